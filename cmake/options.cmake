# SPDX-License-Identifier: Apache-2.0
# Compiler options of our own targets: strict warnings as errors, hardening, sanitizers on request.
option(BUILD_TESTING "build the tests" ON)
option(TURNPIKE_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)

add_library(turnpike_strict INTERFACE)
target_compile_options(turnpike_strict INTERFACE
    -Wall -Wextra -Werror -Wpedantic -Wno-overlength-strings -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wvla
    -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings
    -Wswitch-enum -Wimplicit-fallthrough -Wdouble-promotion -fno-strict-aliasing -fno-common)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(turnpike_strict INTERFACE -Wlogical-op -Wduplicated-cond -Wjump-misses-init)
endif()
target_compile_definitions(turnpike_strict INTERFACE _GNU_SOURCE TURNPIKE_VERSION="${PROJECT_VERSION}"
    TURNPIKE_SHARE_DIR="${CMAKE_INSTALL_FULL_DATADIR}/turnpike" TURNPIKE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")

add_compile_options(-fstack-protector-strong -fno-omit-frame-pointer)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i.86")
    add_compile_options(-fstack-clash-protection -fcf-protection)
endif()
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
if(TURNPIKE_SANITIZE)
    # gcc 14 takes the sanitizers' own calls for uses; the release build keeps this warning
    target_compile_options(turnpike_strict INTERFACE $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
    add_link_options(-fsanitize=address,undefined)
else()
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    include(CheckCCompilerFlag)
    check_c_compiler_flag(-ftrivial-auto-var-init=zero TURNPIKE_HAS_AUTO_VAR_INIT) # clang has it from 16 on
    if(TURNPIKE_HAS_AUTO_VAR_INIT)
        add_compile_options(-ftrivial-auto-var-init=zero)
    endif()
endif()
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
