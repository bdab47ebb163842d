/* A site on CivetWeb: sign in, see your devices, sign one of them out, or all of them.
 *
 *     cc devices.c $(pkg-config --cflags --libs sessile) -lcivetweb -o devices
 *     ./devices sessions 8080
 *
 * Whoever gives a name is let in: a site of your own checks a password or the like in sign_in. It
 * speaks HTTP for development; with HTTPS leave out the two lines on cookies in open_engine. */

#define _POSIX_C_SOURCE 200809L

#include <civetweb.h>
#include <sessile.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(text) (text), (sizeof(text) - 1)

static const char countdown[] =
    "const show = () => {\n"
    "  const [left, at] = (/(?:^|; )sid-left=(\\d+)\\.(\\d+)/.exec(document.cookie) || [])\n"
    "    .slice(1).map(Number);\n"
    "  const place = document.getElementById('left');\n"
    "  if (!place || left === undefined) return;\n"
    "  if (show.at !== at) { show.at = at; show.since = performance.now(); }\n"
    "  const rest = left - (performance.now() - show.since) / 1000;\n"
    "  place.textContent = Math.max(0, Math.ceil(rest));\n"
    "  if (rest <= 0) location.reload();\n"
    "};\n"
    "show();\n"
    "setInterval(show, 1000);\n";

/* Errors are the operator's to read: a code and a sentence, never a token. */
static void log_failure(const char *what, int32_t status, const sessile_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", what, sessile_status_name(status), error->message);
}

static void begin(struct mg_connection *conn, int status, const char *type)
{
    mg_response_header_start(conn, status);
    mg_response_header_add(conn, "Content-Type", type, -1);
    mg_response_header_add(conn, "Cache-Control", "no-store", -1);
    mg_response_header_add(conn, "X-Content-Type-Options", "nosniff", -1);
    mg_response_header_add(conn, "Content-Security-Policy",
                           "default-src 'none'; script-src 'self'; form-action 'self'; "
                           "frame-ancestors 'none'; base-uri 'none'", -1);
    mg_response_header_add(conn, "Connection", "close", -1);
}

/* One `Set-Cookie` for each value of a buffer that the library filled. */
static void add_cookies(struct mg_connection *conn, const char *cookies)
{
    for (; *cookies; cookies += strlen(cookies) + 1) {
        mg_response_header_add(conn, "Set-Cookie", cookies, -1);
    }
}

static int answer(struct mg_connection *conn, int status, const char *text)
{
    begin(conn, status, "text/plain; charset=utf-8");
    mg_response_header_send(conn);
    mg_write(conn, text, strlen(text));
    return status;
}

static int go_home(struct mg_connection *conn, const char *cookies)
{
    begin(conn, 303, "text/plain; charset=utf-8");
    mg_response_header_add(conn, "Location", "/", -1);
    add_cookies(conn, cookies);
    mg_response_header_send(conn);
    return 303;
}

static void write_text(struct mg_connection *conn, const char *text)
{
    mg_write(conn, text, strlen(text));
}

static void write_escaped(struct mg_connection *conn, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&': write_text(conn, "&amp;"); break;
        case '<': write_text(conn, "&lt;"); break;
        case '>': write_text(conn, "&gt;"); break;
        case '"': write_text(conn, "&quot;"); break;
        case '\'': write_text(conn, "&#39;"); break;
        default: mg_write(conn, text, 1);
        }
    }
}

/* Who asks? Returns 200, or what to answer with. Only a verdict says "no": when the store cannot
 * answer, the cookie is left alone. */
static int authenticate(struct mg_connection *conn, sessile_engine *engine,
                        sessile_session *session)
{
    const char *header = mg_get_header(conn, "Cookie");
    sessile_error error;
    int32_t status = sessile_verify_cookie_header(engine, header, header ? strlen(header) : 0,
                                                  session, &error);

    if (status != SESSILE_OK) {
        log_failure("verify", status, &error);
        return 503;
    }
    return session->reason == SESSILE_VALID ? 200 : 401;
}

/* Reads the form of a POST. Returns its length, or -1. */
static int read_form(struct mg_connection *conn, char *form, size_t cap)
{
    size_t len = 0;

    if (strcmp(mg_get_request_info(conn)->request_method, "POST") != 0) {
        return -1;
    }
    while (len < cap) {
        int got = mg_read(conn, form + len, cap - len);

        if (got <= 0) {
            return (int)len;
        }
        len += (size_t)got;
    }
    return -1;
}

/* Who asks for a change, and did the form come from a page of ours? */
static int authorize(struct mg_connection *conn, sessile_engine *engine, char *form, size_t cap,
                     int *form_len, sessile_session *session)
{
    char csrf[SESSILE_TOKEN_MAX] = "";
    int32_t is_token = 0;
    int status;

    *form_len = read_form(conn, form, cap);
    if (*form_len < 0) {
        return 400;
    }
    status = authenticate(conn, engine, session);
    if (status != 200) {
        return status;
    }
    mg_get_var(form, (size_t)*form_len, "csrf", csrf, sizeof csrf);
    if (sessile_is_csrf_token(engine, &session->handle, csrf, strlen(csrf), &is_token, NULL)
            != SESSILE_OK || !is_token) {
        return 403;
    }
    return 200;
}

static int refuse(struct mg_connection *conn, int status)
{
    return answer(conn, status, status == 503 ? "try again later\n" : "no\n");
}

static void write_button(struct mg_connection *conn, const char *action, const char *csrf,
                         const char *handle, const char *label)
{
    mg_printf(conn, "<form method=post action=\"%s\"><input type=hidden name=csrf value=\"%s\">"
              "<input type=hidden name=handle value=\"%s\"><button>%s</button></form>\n",
              action, csrf, handle, label);
}

static void write_devices(struct mg_connection *conn, const sessile_list *list,
                          const sessile_session *here, const char *csrf)
{
    sessile_session_info info = SESSILE_SESSION_INFO_INIT;
    char handle[SESSILE_HANDLE_TEXT_MAX];
    size_t i;

    write_text(conn, "<ul>\n");
    for (i = 0; i < sessile_list_len(list); i++) {
        if (sessile_list_session(list, i, &info, NULL) != SESSILE_OK
            || sessile_handle_text(&info.handle, handle, sizeof handle, NULL) != SESSILE_OK) {
            continue;
        }
        write_text(conn, "<li>");
        write_escaped(conn, info.device_label);
        if (memcmp(&info.handle, &here->handle, sizeof info.handle) == 0) {
            write_text(conn, " (this device)");
        }
        write_button(conn, "/revoke", csrf, handle, "Sign out");
    }
    write_text(conn, "</ul>\n");
}

static int show_sign_in(struct mg_connection *conn, const char *cookies)
{
    begin(conn, 200, "text/html; charset=utf-8");
    add_cookies(conn, cookies);
    mg_response_header_send(conn);
    write_text(conn, "<!doctype html><title>Sign in</title>\n"
               "<form method=post action=\"/sign-in\"><label>Name <input name=name></label>"
               "<button>Sign in</button></form>\n");
    return 200;
}

static int home(struct mg_connection *conn, void *userdata)
{
    sessile_engine *engine = userdata;
    sessile_session session = SESSILE_SESSION_INIT;
    const char *header = mg_get_header(conn, "Cookie");
    char cookies[SESSILE_COOKIES_MAX] = "", csrf[SESSILE_TOKEN_MAX];
    sessile_list *list = NULL;
    sessile_error error;
    int32_t status;
    int allowed;

    if (strcmp(mg_get_request_info(conn)->local_uri, "/") != 0) {
        return answer(conn, 404, "nothing here\n");
    }
    allowed = authenticate(conn, engine, &session);
    if (allowed == 503) {
        return refuse(conn, allowed);
    }
    if (allowed != 200) {
        if (session.reason != SESSILE_REASON_ABSENT
            && sessile_clear_cookies(engine, cookies, sizeof cookies, NULL, NULL) != SESSILE_OK) {
            return refuse(conn, 503);
        }
        return show_sign_in(conn, cookies);
    }
    status = sessile_list_sessions(engine, session.subject, session.subject_len, &list, &error);
    if (status == SESSILE_OK) {
        status = sessile_csrf_token(engine, &session.handle, csrf, sizeof csrf, &error);
    }
    if (status == SESSILE_OK) {
        status = sessile_renew_cookies(engine, header, strlen(header), cookies, sizeof cookies,
                                       NULL, &error);
    }
    if (status != SESSILE_OK) {
        log_failure("home", status, &error);
        sessile_list_free(list);
        return refuse(conn, 503);
    }
    begin(conn, 200, "text/html; charset=utf-8");
    add_cookies(conn, cookies);
    mg_response_header_send(conn);
    write_text(conn, "<!doctype html><title>Your devices</title>\n<p>");
    write_escaped(conn, session.subject);
    write_text(conn, ", you are signed out in <span id=left></span> seconds unless you do "
               "something.\n");
    write_devices(conn, list, &session, csrf);
    write_button(conn, "/sign-out-everywhere", csrf, "", "Sign out everywhere");
    write_text(conn, "<script src=\"/countdown.js\"></script>\n");
    sessile_list_free(list);
    return 200;
}

static int script(struct mg_connection *conn, void *userdata)
{
    (void)userdata;
    begin(conn, 200, "text/javascript; charset=utf-8");
    mg_response_header_send(conn);
    write_text(conn, countdown);
    return 200;
}

/* A page elsewhere must not sign anybody in as somebody else. Browsers say where a form is from. */
static int is_from_elsewhere(struct mg_connection *conn)
{
    const char *site = mg_get_header(conn, "Sec-Fetch-Site");

    return site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
}

/* As much of a header as is plain text, and not too long to show. */
static size_t label_len(const char *text)
{
    size_t len = 0;

    while (len < 100 && text[len] >= ' ' && text[len] <= '~') {
        len++;
    }
    return len;
}

static int sign_in(struct mg_connection *conn, void *userdata)
{
    sessile_engine *engine = userdata;
    sessile_create_options options = SESSILE_CREATE_OPTIONS_INIT;
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    const char *header = mg_get_header(conn, "Cookie");
    const char *agent = mg_get_header(conn, "User-Agent");
    char form[4096], name[SESSILE_SUBJECT_MAX], old[SESSILE_TOKEN_MAX];
    char cookies[SESSILE_COOKIES_MAX];
    sessile_error error;
    int32_t status;
    int len = read_form(conn, form, sizeof form);

    if (len < 0 || mg_get_var(form, (size_t)len, "name", name, sizeof name) < 1
        || is_from_elsewhere(conn)) {
        return refuse(conn, 400);
    }
    options.subject = name;
    options.subject_len = strlen(name);
    options.device_label = agent ? agent : "A device";
    options.device_label_len = label_len(options.device_label);
    if (header != NULL && mg_get_cookie(header, "sid", old, sizeof old) > 0) {
        options.retire = old;
        options.retire_len = strlen(old);
    }
    status = sessile_create(engine, &options, &session, &tokens, &error);
    if (status == SESSILE_OK) {
        status = sessile_set_cookies(engine, &session, &tokens, cookies, sizeof cookies, NULL,
                                     &error);
    }
    if (status != SESSILE_OK) {
        log_failure("sign in", status, &error);
        return refuse(conn, status == SESSILE_ERR_INVALID_INPUT ? 400 : 503);
    }
    return go_home(conn, cookies);
}

/* Whether it is one of the subject's: a handle from a form may be anybody's. */
static int is_own(sessile_engine *engine, const sessile_session *session,
                  const sessile_handle *handle)
{
    sessile_session_info info = SESSILE_SESSION_INFO_INIT;
    sessile_list *list = NULL;
    int is_found = 0;
    size_t i;

    if (sessile_list_sessions(engine, session->subject, session->subject_len, &list, NULL)
        != SESSILE_OK) {
        return 0;
    }
    for (i = 0; i < sessile_list_len(list); i++) {
        is_found |= sessile_list_session(list, i, &info, NULL) == SESSILE_OK
            && memcmp(&info.handle, handle, sizeof *handle) == 0;
    }
    sessile_list_free(list);
    return is_found;
}

static int revoke(struct mg_connection *conn, void *userdata)
{
    sessile_engine *engine = userdata;
    sessile_session session = SESSILE_SESSION_INIT;
    char form[4096], text[SESSILE_HANDLE_TEXT_MAX];
    sessile_handle handle;
    sessile_error error;
    int32_t status;
    int len, allowed = authorize(conn, engine, form, sizeof form, &len, &session);

    if (allowed != 200) {
        return refuse(conn, allowed);
    }
    if (mg_get_var(form, (size_t)len, "handle", text, sizeof text) < 0
        || sessile_handle_parse(text, strlen(text), &handle, NULL) != SESSILE_OK
        || !is_own(engine, &session, &handle)) {
        return refuse(conn, 404);
    }
    status = sessile_revoke(engine, &handle, NULL, &error);
    if (status != SESSILE_OK) {
        log_failure("revoke", status, &error);
        return refuse(conn, 503);
    }
    return go_home(conn, "");
}

static int sign_out_everywhere(struct mg_connection *conn, void *userdata)
{
    sessile_engine *engine = userdata;
    sessile_session session = SESSILE_SESSION_INIT;
    char form[4096], cookies[SESSILE_COOKIES_MAX];
    sessile_error error;
    int32_t status;
    int len, allowed = authorize(conn, engine, form, sizeof form, &len, &session);

    if (allowed != 200) {
        return refuse(conn, allowed);
    }
    status = sessile_revoke_subject(engine, session.subject, session.subject_len, NULL, &error);
    if (status == SESSILE_OK) {
        status = sessile_clear_cookies(engine, cookies, sizeof cookies, NULL, &error);
    }
    if (status != SESSILE_OK) {
        log_failure("sign out", status, &error);
        return refuse(conn, 503);
    }
    return go_home(conn, cookies);
}

static sessile_engine *open_engine(const char *directory)
{
    sessile_config *config = sessile_config_new(directory, strlen(directory));
    sessile_engine *engine = NULL;
    sessile_error error;
    int32_t status;

    /* What these refuse, opening refuses, too. Browsers keep `__Host-` names to HTTPS. */
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

static struct mg_context *serve(const char *port, sessile_engine *engine)
{
    const char *options[] = {"listening_ports", port, "num_threads", "8", NULL};
    struct mg_callbacks callbacks;
    struct mg_context *server;

    memset(&callbacks, 0, sizeof callbacks);
    server = mg_start(&callbacks, NULL, options);
    if (server != NULL) {
        mg_set_request_handler(server, "/", home, engine);
        mg_set_request_handler(server, "/countdown.js", script, NULL);
        mg_set_request_handler(server, "/sign-in", sign_in, engine);
        mg_set_request_handler(server, "/revoke", revoke, engine);
        mg_set_request_handler(server, "/sign-out-everywhere", sign_out_everywhere, engine);
    }
    return server;
}

int main(int argc, char **argv)
{
    struct mg_server_port port;
    struct mg_context *server;
    sessile_engine *engine;
    sessile_error error;
    char address[64];
    sigset_t signals;
    int32_t status;
    int received;

    if (argc != 3) {
        fprintf(stderr, "usage: devices DIRECTORY PORT\n");
        return 2;
    }
    /* Before there are threads, so that all of them leave these signals to main. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    engine = open_engine(argv[1]);
    if (engine == NULL) {
        return 1;
    }
    snprintf(address, sizeof address, "127.0.0.1:%s", argv[2]);
    server = serve(address, engine);
    if (server == NULL || mg_get_server_ports(server, 1, &port) < 1) {
        fprintf(stderr, "cannot listen on %s\n", address);
        sessile_engine_release(engine);
        return 1;
    }
    printf("http://127.0.0.1:%d/\n", port.port);
    fflush(stdout);
    sigwait(&signals, &received);
    mg_stop(server);
    status = sessile_close(engine, &error);
    if (status != SESSILE_OK) {
        log_failure("close", status, &error);
    }
    return status == SESSILE_OK ? 0 : 1;
}
