/* A server on libevent, one thread and one loop: the engine starts none of its own for its upkeep
 * (`no_threads`), a timer of the loop calls sessile_tick, and events come by a descriptor.
 *
 *     cc loop.c $(pkg-config --cflags --libs sessile libevent) -o loop
 *     ./loop sessions 8080
 *
 *     GET /           who asks, and a CSRF token
 *     POST /sign-in   name=...          a site of your own checks a password or the like here
 *     POST /sign-out  csrf=...
 *
 * It speaks HTTP for development; with HTTPS leave out the two lines on cookies in open_engine. */

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <sessile.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TEXT(text) (text), (sizeof(text) - 1)

/* Errors are the operator's to read: a code and a sentence, never a token. */
static void log_failure(const char *what, int32_t status, const sessile_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", what, sessile_status_name(status), error->message);
}

/* Answers with a text, and one `Set-Cookie` for each value of a buffer that the library filled. */
static void answer(struct evhttp_request *request, int status, const char *text,
                   const char *cookies)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *body = evhttp_request_get_output_buffer(request);

    evhttp_add_header(headers, "Content-Type", "text/plain; charset=utf-8");
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    for (; *cookies; cookies += strlen(cookies) + 1) {
        evhttp_add_header(headers, "Set-Cookie", cookies);
    }
    evbuffer_add(body, text, strlen(text));
    evhttp_send_reply(request, status, NULL, NULL);
}

static const char *header_of(struct evhttp_request *request, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(request), name);
}

/* Who asks? Returns 200, or what to answer with. Only a verdict says "no": when the store cannot
 * answer, the cookie is left alone. */
static int authenticate(struct evhttp_request *request, sessile_engine *engine,
                        sessile_session *session)
{
    const char *header = header_of(request, "Cookie");
    sessile_error error;
    int32_t status = sessile_verify_cookie_header(engine, header, header ? strlen(header) : 0,
                                                  session, &error);

    if (status != SESSILE_OK) {
        log_failure("verify", status, &error);
        return 503;
    }
    return session->reason == SESSILE_VALID ? 200 : 401;
}

/* Copies a value of the request's form. Returns 0 when there is none, or it does not fit. */
static int form_value(struct evhttp_request *request, const char *name, char *to, size_t cap)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t len = evbuffer_get_length(body);
    struct evkeyvalq form;
    const char *found;
    char text[4096];
    int is_found = 0;

    if (len >= sizeof text || evbuffer_copyout(body, text, len) != (ev_ssize_t)len) {
        return 0;
    }
    text[len] = '\0';
    if (evhttp_parse_query_str(text, &form) != 0) {
        return 0;
    }
    found = evhttp_find_header(&form, name);
    if (found != NULL && strlen(found) < cap) {
        memcpy(to, found, strlen(found) + 1);
        is_found = 1;
    }
    evhttp_clear_headers(&form);
    return is_found;
}

static void home(struct evhttp_request *request, void *userdata)
{
    sessile_engine *engine = userdata;
    sessile_session session = SESSILE_SESSION_INIT;
    const char *header = header_of(request, "Cookie");
    char cookies[SESSILE_COOKIES_MAX] = "", csrf[SESSILE_TOKEN_MAX], text[512];
    sessile_error error;
    int32_t status;
    int allowed = authenticate(request, engine, &session);

    if (allowed != 200) {
        answer(request, allowed, allowed == 503 ? "try again later\n" : "sign in\n", "");
        return;
    }
    status = sessile_csrf_token(engine, &session.handle, csrf, sizeof csrf, &error);
    if (status == SESSILE_OK) {
        status = sessile_renew_cookies(engine, header, strlen(header), cookies, sizeof cookies,
                                       NULL, &error);
    }
    if (status != SESSILE_OK) {
        log_failure("home", status, &error);
        answer(request, 503, "try again later\n", "");
        return;
    }
    snprintf(text, sizeof text, "name: %s\ncsrf: %s\n", session.subject, csrf);
    answer(request, 200, text, cookies);
}

/* Blocks the loop for as long as the disk takes: a busy site does this in a thread beside it. */
static void sign_in(struct evhttp_request *request, void *userdata)
{
    sessile_engine *engine = userdata;
    sessile_create_options options = SESSILE_CREATE_OPTIONS_INIT;
    sessile_session session = SESSILE_SESSION_INIT, old = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    char name[SESSILE_SUBJECT_MAX], cookies[SESSILE_COOKIES_MAX];
    const char *site = header_of(request, "Sec-Fetch-Site");
    sessile_error error;
    int32_t status;

    /* A page elsewhere must not sign anybody in as somebody else. */
    if ((site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        || !form_value(request, "name", name, sizeof name) || name[0] == '\0') {
        answer(request, 400, "no\n", "");
        return;
    }
    if (authenticate(request, engine, &old) == 503) {
        answer(request, 503, "try again later\n", "");
        return;
    }
    options.subject = name;
    options.subject_len = strlen(name);
    status = sessile_create(engine, &options, &session, &tokens, &error);
    if (status == SESSILE_OK && old.reason == SESSILE_VALID) {
        /* The login leaves no session behind that nobody has a cookie of. */
        status = sessile_revoke(engine, &old.handle, NULL, &error);
    }
    if (status == SESSILE_OK) {
        status = sessile_set_cookies(engine, &session, &tokens, cookies, sizeof cookies, NULL,
                                     &error);
    }
    if (status != SESSILE_OK) {
        log_failure("sign in", status, &error);
        answer(request, status == SESSILE_ERR_INVALID_INPUT ? 400 : 503, "no\n", "");
        return;
    }
    answer(request, 200, "welcome\n", cookies);
}

static void sign_out(struct evhttp_request *request, void *userdata)
{
    sessile_engine *engine = userdata;
    sessile_session session = SESSILE_SESSION_INIT;
    char csrf[SESSILE_TOKEN_MAX], cookies[SESSILE_COOKIES_MAX];
    int32_t status, is_token = 0;
    sessile_error error;
    int allowed = authenticate(request, engine, &session);

    if (allowed != 200) {
        answer(request, allowed, allowed == 503 ? "try again later\n" : "no\n", "");
        return;
    }
    if (!form_value(request, "csrf", csrf, sizeof csrf)
        || sessile_is_csrf_token(engine, &session.handle, csrf, strlen(csrf), &is_token, NULL)
            != SESSILE_OK || !is_token) {
        answer(request, 403, "no\n", "");
        return;
    }
    status = sessile_revoke(engine, &session.handle, NULL, &error);
    if (status == SESSILE_OK) {
        status = sessile_clear_cookies(engine, cookies, sizeof cookies, NULL, &error);
    }
    if (status != SESSILE_OK) {
        log_failure("sign out", status, &error);
        answer(request, 503, "try again later\n", "");
        return;
    }
    answer(request, 200, "goodbye\n", cookies);
}

static void on_timer(evutil_socket_t fd, short what, void *userdata)
{
    sessile_error error;
    int32_t status = sessile_tick(userdata, NULL, &error);

    (void)fd;
    (void)what;
    if (status != SESSILE_OK) {
        log_failure("tick", status, &error);
    }
}

/* Takes every event that there is: the descriptor stays readable until then. */
static void on_events(evutil_socket_t fd, short what, void *userdata)
{
    sessile_event event = SESSILE_EVENT_INIT;
    char handle[SESSILE_HANDLE_TEXT_MAX];

    (void)fd;
    (void)what;
    while (sessile_events_next(userdata, 0, &event, NULL) == SESSILE_OK
           && event.kind != SESSILE_EVENT_NONE) {
        if (sessile_handle_text(&event.handle, handle, sizeof handle, NULL) == SESSILE_OK) {
            printf("event %d of %s\n", event.kind, handle);
            fflush(stdout);
        }
    }
}

static void on_signal(evutil_socket_t fd, short what, void *userdata)
{
    (void)fd;
    (void)what;
    event_base_loopexit(userdata, NULL);
}

static sessile_engine *open_engine(const char *directory)
{
    sessile_config *config = sessile_config_new(directory, strlen(directory));
    sessile_engine *engine = NULL;
    sessile_error error;
    int32_t status;

    /* What these refuse, opening refuses, too. Browsers keep `__Host-` names to HTTPS. */
    sessile_config_no_threads(config);
    sessile_config_cookie_name(config, TEXT("sid"));
    sessile_config_cookie_secure(config, 0);
    status = sessile_open(config, &engine, &error);
    sessile_config_free(config);
    if (status != SESSILE_OK) {
        log_failure("open", status, &error);
        return NULL;
    }
    return engine;
}

static int port_of(struct evhttp_bound_socket *bound)
{
    struct sockaddr_in address;
    socklen_t len = sizeof address;

    memset(&address, 0, sizeof address);
    if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &len) != 0) {
        return 0;
    }
    return ntohs(address.sin_port);
}

static int serve(struct event_base *base, sessile_engine *engine, sessile_events *events, int port)
{
    const struct timeval second = {1, 0};
    struct evhttp *http = evhttp_new(base);
    struct event *sources[4];
    struct evhttp_bound_socket *bound;
    size_t i;
    int result = 1;

    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
    evhttp_set_max_body_size(http, 4095);
    evhttp_set_cb(http, "/", home, engine);
    evhttp_set_cb(http, "/sign-in", sign_in, engine);
    evhttp_set_cb(http, "/sign-out", sign_out, engine);
    sources[0] = event_new(base, -1, EV_PERSIST, on_timer, engine);
    sources[1] = event_new(base, sessile_events_fd(events), EV_READ | EV_PERSIST, on_events,
                           events);
    sources[2] = evsignal_new(base, SIGINT, on_signal, base);
    sources[3] = evsignal_new(base, SIGTERM, on_signal, base);
    for (i = 0; i < 4; i++) {
        event_add(sources[i], i == 0 ? &second : NULL);
    }
    bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", (ev_uint16_t)port);
    if (bound != NULL) {
        printf("http://127.0.0.1:%d/\n", port_of(bound));
        fflush(stdout);
        result = event_base_dispatch(base) == 0 ? 0 : 1;
    } else {
        fprintf(stderr, "cannot listen on port %d\n", port);
    }
    for (i = 0; i < 4; i++) {
        event_free(sources[i]);
    }
    evhttp_free(http);
    return result;
}

int main(int argc, char **argv)
{
    struct event_base *base;
    sessile_events *events = NULL;
    sessile_engine *engine;
    sessile_error error;
    int32_t status;
    int result = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: loop DIRECTORY PORT\n");
        return 2;
    }
    engine = open_engine(argv[1]);
    if (engine == NULL) {
        return 1;
    }
    base = event_base_new();
    status = sessile_subscribe(engine, &events, &error);
    if (status != SESSILE_OK) {
        log_failure("subscribe", status, &error);
    } else if (base != NULL) {
        result = serve(base, engine, events, atoi(argv[2]));
    }
    sessile_events_free(events);
    if (base != NULL) {
        event_base_free(base);
    }
    status = sessile_close(engine, &error);
    if (status != SESSILE_OK) {
        log_failure("close", status, &error);
        return 1;
    }
    return result;
}
