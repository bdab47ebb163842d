/* verify COUNT CALLS: logs COUNT people in, and prints the nanoseconds that each of CALLS
 * verifications of their tokens takes. */
#include <sessile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef char token[SESSILE_TOKEN_MAX];

static int log_in(sessile_engine *engine, token *tokens, long count)
{
    long i;
    for (i = 0; i < count; i++) {
        sessile_create_options login = SESSILE_CREATE_OPTIONS_INIT;
        sessile_tokens issued = SESSILE_TOKENS_INIT;
        char subject[32];
        login.subject = subject;
        login.subject_len = (size_t)snprintf(subject, sizeof(subject), "user-%ld", i);
        if (sessile_create(engine, &login, NULL, &issued, NULL) != SESSILE_OK)
            return 0;
        memcpy(tokens[i], issued.session, sizeof(token));
    }
    for (i = count - 1; i > 0; i--) {
        long j = rand() % (i + 1);
        token swapped;
        memcpy(swapped, tokens[i], sizeof(token));
        memcpy(tokens[i], tokens[j], sizeof(token));
        memcpy(tokens[j], swapped, sizeof(token));
    }
    return 1;
}

/* The last of many is as good as the first: every answer is looked at. */
static int verify(sessile_engine *engine, token *tokens, long count, long calls)
{
    long i, place = 0;
    sessile_session session = SESSILE_SESSION_INIT;
    for (i = 0; i < calls; i++) {
        int32_t status = sessile_verify(engine, tokens[place], 48, &session, NULL);
        if (status != SESSILE_OK || session.reason != SESSILE_VALID)
            return 0;
        if (++place == count)
            place = 0;
    }
    return 1;
}

int main(int argc, char **argv)
{
    struct timespec start, end;
    sessile_config *config = sessile_config_new_in_memory();
    sessile_engine *engine;
    token *tokens;
    long count, calls;
    if (argc != 3)
        return 2;
    count = atol(argv[1]);
    calls = atol(argv[2]);
    tokens = malloc((size_t)count * sizeof(token));
    sessile_config_no_threads(config);
    if (tokens == NULL || sessile_open(config, &engine, NULL) != SESSILE_OK)
        return 1;
    sessile_config_free(config);
    srand(1);
    if (!log_in(engine, tokens, count) || !verify(engine, tokens, count, count))
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &start);
    if (!verify(engine, tokens, count, calls))
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%f\n", ((end.tv_sec - start.tv_sec) * 1e9 + (end.tv_nsec - start.tv_nsec)) / calls);
    free(tokens);
    return sessile_close(engine, NULL) == SESSILE_OK ? 0 : 1;
}
