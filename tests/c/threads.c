/* Eight threads use one engine: each with a reference of its own, each with sessions of its own,
 * and all of them while one revokes a subject that they share. */

#define _POSIX_C_SOURCE 200809L

#include <sessile.h>

#include <pthread.h>
#include <string.h>

#include "check.h"

#define THREADS 8
#define ROUNDS 300

struct worker {
    pthread_t thread;
    sessile_engine *engine;
    char shared[SESSILE_TOKEN_MAX];
    int number;
    int failed;
};

static int work_rounds(struct worker *worker)
{
    sessile_create_options options = SESSILE_CREATE_OPTIONS_INIT;
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_list *list = NULL;
    char subject[16];
    int i, was_revoked = 0;

    snprintf(subject, sizeof subject, "user-%d", worker->number);
    options.subject = subject;
    options.subject_len = strlen(subject);
    for (i = 0; i < ROUNDS; i++) {
        CHECK(sessile_create(worker->engine, &options, &session, &tokens, NULL) == SESSILE_OK);
        CHECK(sessile_verify(worker->engine, tokens.session, strlen(tokens.session), &session, NULL)
              == SESSILE_OK);
        CHECK(session.reason == SESSILE_VALID && strcmp(session.subject, subject) == 0);
        CHECK(sessile_list_sessions(worker->engine, subject, strlen(subject), &list, NULL) == 0);
        CHECK(sessile_list_len(list) == 1);
        sessile_list_free(list);
        CHECK(sessile_revoke(worker->engine, &session.handle, NULL, NULL) == SESSILE_OK);
        CHECK(sessile_verify(worker->engine, tokens.session, strlen(tokens.session), &session, NULL)
              == SESSILE_OK);
        CHECK(session.reason == SESSILE_REASON_REVOKED_SESSION);
        if (worker->number == 0 && i == ROUNDS / 2) {
            CHECK(sessile_revoke_subject(worker->engine, "shared", 6, NULL, NULL) == SESSILE_OK);
            was_revoked = 1;
        }
        CHECK(sessile_verify(worker->engine, worker->shared, strlen(worker->shared), &session, NULL)
              == SESSILE_OK);
        if (session.reason == SESSILE_VALID) {
            CHECK(!was_revoked);
        } else {
            CHECK(session.reason == SESSILE_REASON_REVOKED_SUBJECT);
            was_revoked = 1;
        }
    }
    CHECK(worker->number != 0 || was_revoked);
    return 0;
}

#ifdef __cplusplus
extern "C" {
#endif

static void *work(void *argument)
{
    struct worker *worker = (struct worker *)argument;

    worker->failed = work_rounds(worker);
    sessile_engine_release(worker->engine);
    return NULL;
}

#ifdef __cplusplus
}
#endif

int main(void)
{
    sessile_create_options options = SESSILE_CREATE_OPTIONS_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_config *config = sessile_config_new_in_memory();
    sessile_engine *engine = NULL;
    struct worker workers[THREADS];
    int i;

    CHECK(sessile_open(config, &engine, NULL) == SESSILE_OK);
    sessile_config_free(config);
    options.subject = "shared";
    options.subject_len = 6;
    CHECK(sessile_create(engine, &options, NULL, &tokens, NULL) == SESSILE_OK);
    for (i = 0; i < THREADS; i++) {
        workers[i].engine = sessile_engine_retain(engine);
        workers[i].number = i;
        memcpy(workers[i].shared, tokens.session, sizeof tokens.session);
        CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(workers[i].thread, NULL) == 0);
        CHECK(workers[i].failed == 0);
    }
    CHECK(sessile_close(engine, NULL) == SESSILE_OK);
    return 0;
}
