/* Eight children and their parent create 1,000 sessions each, all at once: no two tokens are the
 * same, nobody waits for ever, and the parent's engine answers nothing in a child. */

#define _POSIX_C_SOURCE 200809L

#include <sessile.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define CHILDREN 8
#define SESSIONS 1000
#define TOKEN_LEN 48

static int open_engine(sessile_engine **engine)
{
    sessile_config *config = sessile_config_new_in_memory();

    CHECK(sessile_open(config, engine, NULL) == SESSILE_OK);
    sessile_config_free(config);
    return 0;
}

/* Writes the tokens of new sessions. */
static int create_sessions(sessile_engine *engine, char *to)
{
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    int i;

    for (i = 0; i < SESSIONS; i++, to += TOKEN_LEN) {
        CHECK(sessile_create(engine, NULL, NULL, &tokens, NULL) == SESSILE_OK);
        CHECK(strlen(tokens.session) == TOKEN_LEN);
        memcpy(to, tokens.session, TOKEN_LEN);
    }
    return 0;
}

/* Every use of what is the parent's says so. */
static int is_forked(sessile_engine *engine, sessile_events *events, sessile_watch *watch)
{
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_event event = SESSILE_EVENT_INIT;
    sessile_stats stats = SESSILE_STATS_INIT;
    sessile_bytes *text = NULL;
    int32_t reason = 0;

    session.reason = SESSILE_VALID;
    CHECK(sessile_verify(engine, "x", 1, &session, NULL) == SESSILE_ERR_FORKED);
    CHECK(session.reason == SESSILE_REASON_UNANSWERED);
    CHECK(sessile_create(engine, NULL, NULL, &tokens, NULL) == SESSILE_ERR_FORKED);
    CHECK(sessile_revoke_all(engine, NULL) == SESSILE_ERR_FORKED);
    CHECK(sessile_sign(engine, "p", 1, "x", 1, &text, NULL) == SESSILE_ERR_FORKED);
    CHECK(sessile_stats_read(engine, &stats, NULL) == SESSILE_ERR_FORKED);
    CHECK(sessile_tick(engine, NULL, NULL) == SESSILE_ERR_FORKED);
    CHECK(sessile_events_next(events, 0, &event, NULL) == SESSILE_ERR_FORKED);
    CHECK(sessile_watch_ended(watch, 0, &reason, NULL) == SESSILE_ERR_FORKED);
    sessile_watch_free(watch);
    sessile_events_free(events);
    CHECK(sessile_close(engine, NULL) == SESSILE_ERR_FORKED);
    return 0;
}

static int child(sessile_engine *engine, sessile_events *events, sessile_watch *watch, int fd)
{
    static char tokens[SESSIONS * TOKEN_LEN];
    sessile_engine *own = NULL;
    size_t written = 0;

    CHECK(is_forked(engine, events, watch) == 0);
    CHECK(open_engine(&own) == 0);
    CHECK(create_sessions(own, tokens) == 0);
    while (written < sizeof tokens) {
        ssize_t n = write(fd, tokens + written, sizeof tokens - written);

        CHECK(n > 0);
        written += (size_t)n;
    }
    CHECK(sessile_close(own, NULL) == SESSILE_OK);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, TOKEN_LEN);
}

int main(void)
{
    static char tokens[(CHILDREN + 1) * SESSIONS * TOKEN_LEN];
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens issued = SESSILE_TOKENS_INIT;
    sessile_engine *engine = NULL;
    sessile_events *events = NULL;
    sessile_watch *watch = NULL;
    int fds[CHILDREN][2], i;
    pid_t pids[CHILDREN];

    /* Whoever hangs is ended, and the test with it. */
    alarm(120);
    CHECK(open_engine(&engine) == 0);
    CHECK(sessile_create(engine, NULL, &session, &issued, NULL) == SESSILE_OK);
    CHECK(sessile_subscribe(engine, &events, NULL) == SESSILE_OK);
    CHECK(sessile_watch_session(engine, &session.handle, NULL, NULL, NULL, &watch, NULL) == 0);
    for (i = 0; i < CHILDREN; i++) {
        CHECK(pipe(fds[i]) == 0);
        pids[i] = fork();
        CHECK(pids[i] >= 0);
        if (pids[i] == 0) {
            alarm(120);
            _exit(child(engine, events, watch, fds[i][1]));
        }
        close(fds[i][1]);
    }
    CHECK(create_sessions(engine, tokens) == 0);
    for (i = 0; i < CHILDREN; i++) {
        char *to = tokens + (size_t)(i + 1) * SESSIONS * TOKEN_LEN;
        size_t got = 0;
        int status = -1;

        while (got < SESSIONS * TOKEN_LEN) {
            ssize_t n = read(fds[i][0], to + got, SESSIONS * TOKEN_LEN - got);

            CHECK(n > 0);
            got += (size_t)n;
        }
        CHECK(waitpid(pids[i], &status, 0) == pids[i]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    qsort(tokens, (CHILDREN + 1) * SESSIONS, TOKEN_LEN, compare);
    for (i = 1; i < (CHILDREN + 1) * SESSIONS; i++) {
        CHECK(compare(tokens + (size_t)(i - 1) * TOKEN_LEN, tokens + (size_t)i * TOKEN_LEN) < 0);
    }
    CHECK(sessile_verify(engine, issued.session, strlen(issued.session), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_VALID);
    sessile_watch_free(watch);
    sessile_events_free(events);
    CHECK(sessile_close(engine, NULL) == SESSILE_OK);
    return 0;
}
