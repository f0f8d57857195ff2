# SPDX-License-Identifier: Apache-2.0
# Turns schema/*.sql into one C file with their bytes, so that the binary carries its migrations.
# As a script: cmake -D FOLDER=... -D OUTPUT=... -P cmake/schema.cmake; contract of the result: common/schema_file.h
if(CMAKE_SCRIPT_MODE_FILE)
    cmake_minimum_required(VERSION 3.25)
    set(arrays "")
    set(rows "")
    set(taken "")
    set(before "the bootstrap (0)")
    function(schema_array name path)
        file(READ "${path}" hex HEX)
        string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
        string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n"
            bytes "${bytes}")
        set(arrays "${arrays}static const unsigned char ${name}[] = {\n${bytes}0};\n" PARENT_SCOPE)
    endfunction()

    file(GLOB paths "${FOLDER}/*.sql")
    list(SORT paths)
    foreach(path ${paths})
        get_filename_component(file "${path}" NAME_WE)
        if(file STREQUAL "bootstrap")
            schema_array(bootstrap "${path}")
            continue()
        endif()
        if(NOT file MATCHES "^([0-9][0-9][0-9][0-9])_([a-z][a-z0-9_]*)$")
            message(FATAL_ERROR "${path}: a migration is named NNNN_name.sql, with lower-case letters, digits and '_'")
        endif()
        set(digits ${CMAKE_MATCH_1})
        set(name ${CMAKE_MATCH_2})
        if(digits IN_LIST taken)
            message(FATAL_ERROR "${path}: there are two migrations with number ${digits}")
        endif()
        list(APPEND taken ${digits})
        math(EXPR number "1${digits} - 10000")
        list(LENGTH taken count)
        if(NOT number EQUAL count)
            message(FATAL_ERROR "${path}: the migration after ${before} has its number plus one")
        endif()
        set(before ${file})
        schema_array(file_${digits} "${path}")
        string(APPEND rows
            "    {${number}, \"${name}\", (const char *)file_${digits}, sizeof file_${digits} - 1},\n")
    endforeach()
    if(rows STREQUAL "" OR NOT EXISTS "${FOLDER}/bootstrap.sql")
        message(FATAL_ERROR "${FOLDER} has no migrations")
    endif()
    file(WRITE "${OUTPUT}" "// Made by cmake/schema.cmake from schema/*.sql; do not edit.\n#include \"common/schema_file.h\"\n\n"
        "${arrays}\nconst char *const schema_bootstrap = (const char *)bootstrap;\n"
        "const struct schema_file schema_files[] = {\n${rows}};\n"
        "const size_t schema_file_count = sizeof schema_files / sizeof *schema_files;\n")
    return()
endif()

# schema_embed(target): compiles the migrations into the target, anew when one of them changes.
function(schema_embed target)
    file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/schema/*.sql)
    # a part of the command, so that it runs again also when a file goes or is renamed
    string(REPLACE "${CMAKE_SOURCE_DIR}/schema/" "" names "${files}")
    string(REPLACE ";" " " names "${names}")
    set(output ${CMAKE_BINARY_DIR}/generated/schema_files.c)
    add_custom_command(OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} -D FOLDER=${CMAKE_SOURCE_DIR}/schema -D OUTPUT=${output} -D "NAMES=${names}"
                -P ${CMAKE_SOURCE_DIR}/cmake/schema.cmake
        DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/schema.cmake
        COMMENT "Embedding the migrations" VERBATIM)
    target_sources(${target} PRIVATE ${output})
endfunction()
