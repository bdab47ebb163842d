/* Signs a user in, verifies the next request, lists the user's devices, signs the others out.
 * The directory of the store is argv[1]. */

#include <sessile.h>

#include <stdio.h>
#include <string.h>

static int fail(const char *what, int32_t status, const sessile_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", what, sessile_status_name(status), error->message);
    return 1;
}

/* One request: who is it, and from which session? Returns the HTTP status to answer with. */
static int authenticate(sessile_engine *engine, const char *cookies, sessile_session *session)
{
    sessile_error error;
    int32_t status;

    status = sessile_verify_cookie_header(engine, cookies, strlen(cookies), session, &error);
    if (status != SESSILE_OK) {
        fail("verify", status, &error);
        return 503;
    }
    return session->reason == SESSILE_VALID ? 200 : 401;
}

static int list_devices(sessile_engine *engine, const sessile_session *here)
{
    sessile_session_info info = SESSILE_SESSION_INFO_INIT;
    sessile_list *list;
    sessile_error error;
    int32_t status;
    size_t i;

    status = sessile_list_sessions(engine, here->subject, here->subject_len, &list, &error);
    if (status != SESSILE_OK) {
        return fail("list", status, &error);
    }
    for (i = 0; i < sessile_list_len(list); i++) {
        if (sessile_list_session(list, i, &info, NULL) == SESSILE_OK) {
            int is_here = memcmp(&info.handle, &here->handle, sizeof info.handle) == 0;

            printf("%s%s\n", info.device_label, is_here ? " (this device)" : "");
        }
    }
    sessile_list_free(list);
    return 0;
}

static int sign_in(sessile_engine *engine, const char *device, char *cookies, size_t cookies_cap)
{
    sessile_create_options options = SESSILE_CREATE_OPTIONS_INIT;
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_error error;
    int32_t status;

    options.subject = "alice";
    options.subject_len = strlen(options.subject);
    options.device_label = device;
    options.device_label_len = strlen(device);
    status = sessile_create(engine, &options, &session, &tokens, &error);
    if (status == SESSILE_OK) {
        status = sessile_set_cookies(engine, &session, &tokens, cookies, cookies_cap, NULL, &error);
    }
    return status == SESSILE_OK ? 0 : fail("sign in", status, &error);
}

int main(int argc, char **argv)
{
    sessile_config *config = argc == 2 ? sessile_config_new(argv[1], strlen(argv[1])) : NULL;
    sessile_session session = SESSILE_SESSION_INIT;
    char phone[512], laptop[512];
    sessile_engine *engine;
    sessile_error error;
    int32_t status = sessile_open(config, &engine, &error);

    sessile_config_free(config);
    if (status != SESSILE_OK) {
        return fail("open", status, &error);
    }
    /* A Set-Cookie value begins with what the browser sends back. */
    if (sign_in(engine, "Phone", phone, sizeof phone) != 0
        || sign_in(engine, "Laptop", laptop, sizeof laptop) != 0) {
        return 1;
    }
    printf("laptop: %d\n", authenticate(engine, laptop, &session));
    if (list_devices(engine, &session) != 0) {
        return 1;
    }
    status = sessile_revoke_subject(engine, session.subject, session.subject_len, &session.handle,
                                    &error);
    if (status != SESSILE_OK) {
        return fail("revoke", status, &error);
    }
    printf("phone: %d\n", authenticate(engine, phone, &session));
    printf("why: %s\n", sessile_reason_name(session.reason));
    printf("laptop: %d\n", authenticate(engine, laptop, &session));
    status = sessile_close(engine, &error);
    return status == SESSILE_OK ? 0 : fail("close", status, &error);
}
