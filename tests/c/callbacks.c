/* Callbacks and descriptors: events, watches, the log, exports; and what becomes of userdata. */

#define _POSIX_C_SOURCE 200809L

#include <sessile.h>

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#define TEXT(text) (text), (sizeof(text) - 1)

struct told {
    int destroyed;
    int events;
    int32_t last_kind;
    int32_t reason;
    int lines;
    sessile_watch *watch;
};

#ifdef __cplusplus
extern "C" {
#endif

static void destroy(void *userdata)
{
    ((struct told *)userdata)->destroyed++;
}

static void on_event(void *userdata, const sessile_event *event)
{
    struct told *told = (struct told *)userdata;

    if (told->destroyed == 0 && event->struct_size == sizeof *event) {
        told->events++;
        told->last_kind = event->kind;
    }
}

static void on_end(void *userdata, int32_t reason)
{
    struct told *told = (struct told *)userdata;

    told->reason = reason;
    sessile_watch_free(told->watch);
    told->watch = NULL;
}

static void on_line(void *userdata, int32_t level, const char *text, size_t text_len)
{
    struct told *told = (struct told *)userdata;

    if (level == SESSILE_LOG_WARNING && strlen(text) == text_len && strstr(text, "clock")) {
        told->lines++;
    }
}

static uint64_t clock_ms;

static uint64_t read_clock(void *userdata)
{
    (void)userdata;
    return clock_ms;
}

struct buffer {
    char data[65536];
    size_t len;
    size_t read;
    int fails;
};

static int32_t write_to(void *userdata, const char *data, size_t len)
{
    struct buffer *buffer = (struct buffer *)userdata;

    if (buffer->fails || len > sizeof buffer->data - buffer->len) {
        return 7;
    }
    memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
    return 0;
}

static int32_t read_from(void *userdata, char *data, size_t cap, size_t *len)
{
    struct buffer *buffer = (struct buffer *)userdata;

    if (buffer->fails) {
        *len = cap + 1;
        return 0;
    }
    *len = buffer->len - buffer->read < cap ? buffer->len - buffer->read : cap;
    memcpy(data, buffer->data + buffer->read, *len);
    buffer->read += *len;
    return 0;
}

#ifdef __cplusplus
}
#endif

static int open_engine(sessile_engine **engine, int has_threads)
{
    static const char secret[] = "k7QxV2mB9rTzL4wN8sYpD3hJ6cFgA1eU5iOb0KqX";
    sessile_config *config = sessile_config_new_in_memory();
    sessile_error error;

    CHECK(sessile_config_master_secret(config, TEXT(secret)) == SESSILE_OK);
    CHECK(sessile_config_tick_every_ms(config, 10) == SESSILE_OK);
    if (!has_threads) {
        CHECK(sessile_config_no_threads(config) == SESSILE_OK);
    }
    if (sessile_open(config, engine, &error) != SESSILE_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    sessile_config_free(config);
    return 0;
}

static int log_in(sessile_engine *engine, sessile_session *session, sessile_tokens *tokens)
{
    sessile_create_options options = SESSILE_CREATE_OPTIONS_INIT;

    options.subject = "alice";
    options.subject_len = 5;
    CHECK(sessile_create(engine, &options, session, tokens, NULL) == SESSILE_OK);
    return 0;
}

static int is_readable(int fd)
{
    struct pollfd entry;

    entry.fd = fd;
    entry.events = POLLIN;
    entry.revents = 0;
    return poll(&entry, 1, 0) == 1;
}

static int events_come_by_descriptor(void)
{
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_event event = SESSILE_EVENT_INIT;
    sessile_events *events = NULL;
    sessile_engine *engine = NULL;
    int fd, round;

    CHECK(open_engine(&engine, 0) == 0);
    CHECK(sessile_subscribe(engine, &events, NULL) == SESSILE_OK);
    fd = sessile_events_fd(events);
    CHECK(fd >= 0 && !is_readable(fd));
    CHECK(sessile_events_next(events, 0, &event, NULL) == SESSILE_OK);
    CHECK(event.kind == SESSILE_EVENT_NONE);
    for (round = 0; round < 3; round++) {
        CHECK(log_in(engine, &session, &tokens) == 0);
        CHECK(sessile_revoke(engine, &session.handle, NULL, NULL) == SESSILE_OK);
        CHECK(is_readable(fd));
        CHECK(sessile_events_next(events, 1000, &event, NULL) == SESSILE_OK);
        CHECK(event.kind == SESSILE_EVENT_CREATED && strcmp(event.subject, "alice") == 0);
        CHECK(is_readable(fd));
        CHECK(sessile_events_next(events, 0, &event, NULL) == SESSILE_OK);
        CHECK(event.kind == SESSILE_EVENT_REVOKED && event.cause == SESSILE_CAUSE_REVOKED);
        CHECK(memcmp(&event.handle, &session.handle, sizeof event.handle) == 0);
        CHECK(event.subject_len == 0 && event.subject[0] == '\0' && event.at_ms > 0);
        CHECK(sessile_events_next(events, 0, &event, NULL) == SESSILE_OK);
        CHECK(event.kind == SESSILE_EVENT_NONE && !is_readable(fd));
    }
    CHECK(sessile_close(engine, NULL) == SESSILE_OK);
    CHECK(sessile_events_next(events, 60000, &event, NULL) == SESSILE_OK);
    CHECK(event.kind == SESSILE_EVENT_NONE);
    sessile_events_free(events);
    sessile_events_free(NULL);
    CHECK(sessile_events_fd(NULL) == -1);
    return 0;
}

static int events_come_by_callback(int has_threads)
{
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_engine *engine = NULL;
    struct told told, refused;

    memset(&told, 0, sizeof told);
    memset(&refused, 0, sizeof refused);
    CHECK(open_engine(&engine, has_threads) == 0);
    CHECK(sessile_on_event(engine, on_event, &told, destroy, NULL) == SESSILE_OK);
    CHECK(sessile_on_event(engine, NULL, &refused, destroy, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(sessile_on_event(NULL, on_event, &refused, destroy, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(refused.destroyed == 2);
    CHECK(log_in(engine, &session, &tokens) == 0);
    if (!has_threads) {
        CHECK(told.events == 0);
        CHECK(sessile_tick(engine, NULL, NULL) == SESSILE_OK && told.events == 1);
    }
    CHECK(sessile_revoke_all(engine, NULL) == SESSILE_OK);
    /* The last one is told before it is closed, and nothing afterwards. */
    CHECK(sessile_close(engine, NULL) == SESSILE_OK);
    CHECK(told.events == 2 && told.last_kind == SESSILE_EVENT_ALL_REVOKED);
    CHECK(told.destroyed == 1);
    return 0;
}

static int a_watch_tells_of_the_end(void)
{
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_engine *engine = NULL;
    sessile_watch *watch = NULL, *second = NULL;
    struct told told;
    int32_t reason = -1;

    memset(&told, 0, sizeof told);
    CHECK(open_engine(&engine, 0) == 0);
    CHECK(log_in(engine, &session, &tokens) == 0);
    CHECK(sessile_watch_session(engine, &session.handle, on_end, &told, destroy, &told.watch, NULL)
          == SESSILE_OK);
    CHECK(sessile_watch_session(engine, &session.handle, NULL, NULL, NULL, &watch, NULL) == 0);
    CHECK(sessile_watch_session(engine, &session.handle, on_end, &told, destroy, &second, NULL)
          == SESSILE_OK);
    sessile_watch_free(second);
    CHECK(told.destroyed == 1);
    CHECK(sessile_rotate(engine, &session.handle, NULL, &session, &tokens, NULL) == SESSILE_OK);
    CHECK(sessile_watch_ended(watch, 0, &reason, NULL) == SESSILE_OK && reason == SESSILE_VALID);
    CHECK(told.reason == 0 && told.watch != NULL);
    CHECK(sessile_revoke(engine, &session.handle, NULL, NULL) == SESSILE_OK);
    CHECK(told.reason == SESSILE_REASON_REVOKED_SESSION && told.watch == NULL);
    CHECK(told.destroyed == 2);
    CHECK(sessile_watch_ended(watch, 60000, &reason, NULL) == SESSILE_OK);
    CHECK(reason == SESSILE_REASON_REVOKED_SESSION);
    sessile_watch_free(watch);
    /* One that has ended already tells at once. */
    told.reason = 0;
    CHECK(sessile_watch_session(engine, &session.handle, on_end, &told, destroy, &told.watch, NULL)
          == SESSILE_OK);
    CHECK(told.reason == SESSILE_REASON_REVOKED_SESSION && told.destroyed == 3);
    CHECK(sessile_watch_session(NULL, &session.handle, on_end, &told, destroy, &watch, NULL)
          == SESSILE_ERR_INVALID_INPUT);
    CHECK(told.destroyed == 4);
    sessile_watch_free(NULL);
    CHECK(sessile_close(engine, NULL) == SESSILE_OK);
    return 0;
}

static int the_log_and_the_clock_are_the_programs(void)
{
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_config *config = sessile_config_new_in_memory();
    sessile_engine *engine = NULL;
    struct told told, clock;

    memset(&told, 0, sizeof told);
    memset(&clock, 0, sizeof clock);
    CHECK(sessile_log_to(on_line, &told, destroy, SESSILE_LOG_WARNING, NULL) == SESSILE_OK);
    clock_ms = 1700000000000u;
    CHECK(sessile_config_clock(config, read_clock, &clock, destroy) == SESSILE_OK);
    CHECK(sessile_config_no_threads(config) == SESSILE_OK);
    CHECK(sessile_open(config, &engine, NULL) == SESSILE_OK);
    sessile_config_free(config);
    CHECK(log_in(engine, &session, &tokens) == 0);
    CHECK(session.created_ms == clock_ms);
    clock_ms += 30 * 60 * 1000 - 1;
    CHECK(sessile_peek(engine, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_VALID);
    clock_ms++;
    CHECK(sessile_peek(engine, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_REASON_IDLE_EXPIRED);
    clock_ms -= 3600000;
    CHECK(sessile_peek(engine, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(sessile_tick(engine, NULL, NULL) == SESSILE_OK);
    CHECK(told.lines == 1);
    CHECK(clock.destroyed == 0);
    CHECK(sessile_close(engine, NULL) == SESSILE_OK);
    CHECK(clock.destroyed == 1 && told.destroyed == 0);
    CHECK(sessile_log_to(on_line, &told, destroy, 99, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(told.destroyed == 1);
    CHECK(sessile_log_to(NULL, NULL, NULL, SESSILE_LOG_ERROR, NULL) == SESSILE_OK);
    CHECK(told.destroyed == 2);
    CHECK(sessile_config_clock(NULL, read_clock, &clock, destroy) == SESSILE_ERR_INVALID_INPUT);
    CHECK(clock.destroyed == 2);
    return 0;
}

static int restore(struct buffer *buffer, FILE *file, int32_t restored, sessile_engine **engine,
                   int32_t *status)
{
    static const char secret[] = "k7QxV2mB9rTzL4wN8sYpD3hJ6cFgA1eU5iOb0KqX";
    sessile_config *config = sessile_config_new_in_memory();

    CHECK(sessile_config_master_secret(config, TEXT(secret)) == SESSILE_OK);
    CHECK(sessile_config_no_threads(config) == SESSILE_OK);
    if (file) {
        *status = sessile_restore_from_fd(config, fileno(file), restored, engine, NULL);
    } else {
        *status = sessile_restore(config, read_from, buffer, restored, engine, NULL);
    }
    sessile_config_free(config);
    return 0;
}

static int an_export_is_restored(void)
{
    static struct buffer buffer;
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_engine *engine = NULL, *other = NULL;
    FILE *file = tmpfile();
    int32_t status = 0;

    CHECK(file != NULL && open_engine(&engine, 0) == 0);
    CHECK(log_in(engine, &session, &tokens) == 0);
    buffer.fails = 1;
    CHECK(sessile_export(engine, write_to, &buffer, NULL) == SESSILE_ERR_UNAVAILABLE);
    CHECK(restore(&buffer, NULL, SESSILE_RESTORED_VALID, &other, &status) == 0);
    CHECK(status != SESSILE_OK && other == NULL);
    buffer.fails = 0;
    CHECK(sessile_export(engine, write_to, &buffer, NULL) == SESSILE_OK && buffer.len > 100);
    CHECK(sessile_export_to_fd(engine, fileno(file), NULL) == SESSILE_OK);
    CHECK(sessile_export_to_fd(engine, -1, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(sessile_close(engine, NULL) == SESSILE_OK);

    CHECK(restore(&buffer, NULL, SESSILE_RESTORED_VALID, &other, &status) == 0);
    CHECK(status == SESSILE_OK);
    CHECK(sessile_verify(other, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_VALID);
    CHECK(sessile_close(other, NULL) == SESSILE_OK);
    CHECK(lseek(fileno(file), 0, SEEK_SET) == 0);
    CHECK(restore(NULL, file, SESSILE_RESTORED_REVOKED, &other, &status) == 0);
    CHECK(status == SESSILE_OK);
    CHECK(sessile_verify(other, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_REASON_REVOKED_ALL);
    CHECK(sessile_close(other, NULL) == SESSILE_OK);
    buffer.read = 0;
    CHECK(restore(&buffer, NULL, 5, &other, &status) == 0);
    CHECK(status == SESSILE_ERR_INVALID_INPUT);
    fclose(file);
    return 0;
}

int main(void)
{
    int round;

    CHECK(events_come_by_descriptor() == 0);
    CHECK(events_come_by_callback(0) == 0);
    /* A close that does not wait for the thread is found in most of the rounds. */
    for (round = 0; round < 50; round++) {
        CHECK(events_come_by_callback(1) == 0);
    }
    CHECK(a_watch_tells_of_the_end() == 0);
    CHECK(the_log_and_the_clock_are_the_programs() == 0);
    CHECK(an_export_is_restored() == 0);
    return 0;
}
