/* Loads the library that argv[1] names, uses it in a thread, unloads it, and only then lets the
 * thread end: what the thread leaves to be cleaned up must still be there. Three times over, as
 * Apache does with its modules. */

#define _POSIX_C_SOURCE 200809L

#include <sessile.h>

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "check.h"

static void *library;
static pthread_barrier_t used, unloaded;

/* ISO C has no way from an object pointer to a function pointer but through memory. */
static int find(const char *name, void *function)
{
    void *symbol = dlsym(library, name);

    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static int use_library(void)
{
    sessile_config *(*config_new)(void);
    void (*config_free)(sessile_config *);
    int32_t (*open_it)(const sessile_config *, sessile_engine **, sessile_error *);
    int32_t (*create)(const sessile_engine *, const sessile_create_options *, sessile_session *,
                      sessile_tokens *, sessile_error *);
    int32_t (*close_it)(sessile_engine *, sessile_error *);
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_engine *engine = NULL;
    sessile_config *config;

    CHECK(find("sessile_config_new_in_memory", &config_new));
    CHECK(find("sessile_config_free", &config_free) && find("sessile_open", &open_it));
    CHECK(find("sessile_create", &create) && find("sessile_close", &close_it));
    config = config_new();
    CHECK(open_it(config, &engine, NULL) == SESSILE_OK);
    config_free(config);
    CHECK(create(engine, NULL, NULL, &tokens, NULL) == SESSILE_OK);
    CHECK(close_it(engine, NULL) == SESSILE_OK);
    return 0;
}

#ifdef __cplusplus
extern "C" {
#endif

static void *work(void *failed)
{
    *(int *)failed = use_library();
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&unloaded);
    return NULL;
}

#ifdef __cplusplus
}
#endif

int main(int argc, char **argv)
{
    pthread_t thread;
    int round, failed = 0;

    CHECK(argc == 2);
    CHECK(pthread_barrier_init(&used, NULL, 2) == 0);
    CHECK(pthread_barrier_init(&unloaded, NULL, 2) == 0);
    for (round = 0; round < 3; round++) {
        library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        CHECK(library != NULL);
        CHECK(pthread_create(&thread, NULL, work, &failed) == 0);
        pthread_barrier_wait(&used);
        CHECK(dlclose(library) == 0);
        pthread_barrier_wait(&unloaded);
        CHECK(pthread_join(thread, NULL) == 0 && failed == 0);
    }
    return 0;
}
