// SPDX-License-Identifier: Apache-2.0
// turnpike collect simulate
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command_collect.h"
#include "common/file.h"
#include "common/hash.h"
#include "ingest/collect_progress.h"

const char collect_simulate_usage[] =
    "--tenants N --from INSTANT --to INSTANT [--seed S] [--out FILE|-] [--catalogue-out FILE] [--again]\n\n"
    "  --tenants N          how many invented tenants\n"
    "  --from, --to         the time in which they use the services of deploy/sample; no event is later\n"
    "  --seed S             another number gives another cloud (default 1); the same gives the same events\n"
    "  --out FILE           write the events, one a line, and send nothing; -: standard output\n"
    "  --catalogue-out FILE write their billing accounts and tenants, for turnpike apply; alone: only this\n"
    "  --again              send from the start, whatever was sent before (what is the same is counted once)\n"
    "  --skip-refused       keep refused events in simulated.refused.ndjson and go on\n" COLLECT_FLAGS_USAGE
    "\nNothing of this was measured anywhere. A longer time or more tenants only add events, so it can be sent on";

enum { TENANTS = COLLECT_FLAG_COUNT, FROM, TO, SEED, OUT, CATALOGUE_OUT, AGAIN, SKIP_REFUSED, FLAG_COUNT };

static bool read_simulation(const struct command_context *context, const struct flag *flags,
                            struct simulation *simulation)
{
    int64_t seed = 1;
    if (!flags[TENANTS].given) return command_wrong_use(context, "--tenants N is missing"), false;
    if (!collect_flag_number(context, &flags[TENANTS], 1, SIMULATE_TENANTS_MAX, &simulation->tenants) ||
        !collect_flag_number(context, &flags[SEED], 0, INT64_MAX, &seed) ||
        !collect_flag_instant(context, &flags[FROM], &simulation->from) ||
        !collect_flag_instant(context, &flags[TO], &simulation->to))
        return false;
    simulation->seed = (uint64_t)seed;
    bool needs_time = !flags[CATALOGUE_OUT].given || flags[OUT].given || flags[FROM].given || flags[TO].given;
    if (!needs_time) return true;
    if (simulation->from == INSTANT_NONE) return command_wrong_use(context, "--from INSTANT is missing"), false;
    if (simulation->to == INSTANT_NONE) return command_wrong_use(context, "--to INSTANT is missing"), false;
    if (simulation->to < simulation->from) return command_wrong_use(context, "--to is before --from"), false;
    return true;
}

static int write_catalogue(const struct command_context *context, const struct simulation *simulation, const char *path)
{
    struct fault fault = {0};
    struct text out = {0};
    simulate_print_catalogue(simulation, &out);
    enum err err = file_replace(path, out.data, out.length, 0644, &fault);
    text_free(&out);
    return err == ERR_OK ? 0 : command_fail(context, &fault);
}

// Everything that changes which event has which place in the feed.
static void identify(const struct simulation *simulation, struct cursor_input *input)
{
    unsigned char digest[SHA256_BYTES];
    struct text text = {0};
    text_print(&text, "turnpike simulation 1 %llu %lld %lld %lld", (unsigned long long)simulation->seed,
               (long long)simulation->tenants, (long long)simulation->from, (long long)simulation->to);
    sha256_of(text.data, text.length, digest);
    text_free(&text);
    hex_print(digest, (CURSOR_DIGEST_HEX - 1) / 2, input->digest);
}

static int send_or_print(struct command_context *context, const struct collect_run *run,
                         const struct simulation *simulation)
{
    struct cursor_input input = {
        .path = "simulated", .size = simulation->tenants, .map = "simulate", .begin = INSTANT_NONE, .fd = -1};
    identify(simulation, &input);
    struct collect_simulate *simulate = collect_simulate_open(simulation);
    struct collect_feed feed = collect_simulate_feed(simulate);
    int code = collect_run_and_say(context, run, &feed, &input);
    collect_simulate_close(simulate);
    return code;
}

// Under another name until it is whole.
static int write_file(struct command_context *context, struct collect_run *run, const struct simulation *simulation,
                      const char *path)
{
    struct fault fault = {0};
    const char *temporary = arena_print(context->arena, "%s.new", path);
    run->out = fopen(temporary, "wbe");
    int code = 0, number = errno;
    if (run->out) {
        code = send_or_print(context, run, simulation);
        bool whole = fflush(run->out) == 0 && !ferror(run->out) && fsync(fileno(run->out)) == 0;
        number = errno;
        if (fclose(run->out) == 0 && whole && code == 0 && rename(temporary, path) == 0) return 0;
        if (whole) number = errno;
        unlink(temporary);
    }
    if (code != 0) return code;
    (void)fault_set(&fault, ERR_RETRY, path, "cannot write: %s", strerrordesc_np(number));
    return command_fail(context, &fault);
}

int collect_simulate_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[FLAG_COUNT] = {
        COLLECT_FLAGS,
        [TENANTS] = {.name = "--tenants", .kind = FLAG_TEXT},
        [FROM] = {.name = "--from", .kind = FLAG_TEXT},
        [TO] = {.name = "--to", .kind = FLAG_TEXT},
        [SEED] = {.name = "--seed", .kind = FLAG_TEXT},
        [OUT] = {.name = "--out", .kind = FLAG_TEXT},
        [CATALOGUE_OUT] = {.name = "--catalogue-out", .kind = FLAG_TEXT},
        [AGAIN] = {.name = "--again", .kind = FLAG_SWITCH},
        [SKIP_REFUSED] = {.name = "--skip-refused", .kind = FLAG_SWITCH},
    };
    struct collect_run run = {0};
    struct simulation simulation = {0};
    if (!command_flags(context, flags, FLAG_COUNT, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (!read_simulation(context, flags, &simulation)) return EXIT_WRONG_USE;
    run.again = flags[AGAIN].given;
    run.skip_refused = flags[SKIP_REFUSED].given;
    int code = flags[CATALOGUE_OUT].given ? write_catalogue(context, &simulation, flags[CATALOGUE_OUT].text) : 0;
    if (code != 0 || simulation.from == INSTANT_NONE) return code;
    code = collect_prepare(context, flags, !flags[OUT].given, &run);
    if (code != 0) return code;
    if (!run.send.quiet)
        collect_say("a simulated cloud: %lld invented tenants, nothing of this was measured",
                    (long long)simulation.tenants);
    if (flags[OUT].given && strcmp(flags[OUT].text, "-") != 0)
        return write_file(context, &run, &simulation, flags[OUT].text);
    if (flags[OUT].given) run.out = stdout;
    return send_or_print(context, &run, &simulation);
}
