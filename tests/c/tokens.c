/* Everything else that an engine does, as a C program meets it: rotation, cookies, CSRF, data,
 * access and refresh tokens, single-use tokens, API keys, signed values, keys, statistics. */

#include <sessile.h>

#include <string.h>

#include "check.h"

#define TEXT(text) (text), (sizeof(text) - 1)

static uint64_t now_ms = 1700000000000u;

static uint64_t read_clock(void *userdata)
{
    return *(uint64_t *)userdata;
}

static int open_engine(sessile_engine **engine)
{
    sessile_config *config = sessile_config_new_in_memory();

    CHECK(sessile_config_clock(config, read_clock, &now_ms, NULL) == SESSILE_OK);
    CHECK(sessile_config_no_threads(config) == SESSILE_OK);
    CHECK(sessile_config_access_tokens(config, TEXT("https://a"), TEXT("https://b")) == 0);
    CHECK(sessile_config_access_lifetime_ms(config, 60000) == SESSILE_OK);
    CHECK(sessile_config_access_algorithm(config, TEXT("ES256")) == SESSILE_OK);
    CHECK(sessile_config_api_key_prefix(config, TEXT("acme")) == SESSILE_OK);
    CHECK(sessile_config_cookie_name(config, TEXT("sid")) == SESSILE_OK);
    CHECK(sessile_config_cookie_secure(config, 0) == SESSILE_OK);
    CHECK(sessile_config_cookie_same_site(config, SESSILE_SAME_SITE_STRICT) == SESSILE_OK);
    CHECK(sessile_open(config, engine, NULL) == SESSILE_OK);
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

static int a_login_rotates_and_keeps_the_data(sessile_engine *engine)
{
    sessile_session visit = SESSILE_SESSION_INIT, session = SESSILE_SESSION_INIT;
    sessile_tokens old = SESSILE_TOKENS_INIT, fresh = SESSILE_TOKENS_INIT;
    sessile_rotate_options options = SESSILE_ROTATE_OPTIONS_INIT;
    sessile_change changes[2];
    sessile_bytes *value = NULL;
    sessile_list *list = NULL;
    const char *name, *text;
    size_t name_len, text_len;

    memset(changes, 0, sizeof changes);
    CHECK(sessile_create(engine, NULL, &visit, &old, NULL) == SESSILE_OK);
    CHECK(visit.subject_len == 0 && visit.authenticated_at_ms == 0);
    changes[0].name = "cart";
    changes[0].name_len = 4;
    changes[0].value = "\0\1\2";
    changes[0].value_len = 3;
    changes[1].name = "theme";
    changes[1].name_len = 5;
    changes[1].value = "dark";
    changes[1].value_len = 4;
    CHECK(sessile_data_patch(engine, &visit.handle, changes, 2, NULL) == SESSILE_OK);
    CHECK(sessile_data_patch(engine, &visit.handle, NULL, 1, NULL) == SESSILE_ERR_INVALID_INPUT);

    options.subject = "alice";
    options.subject_len = 5;
    options.amr = "pwd otp";
    options.amr_len = 7;
    CHECK(sessile_rotate(engine, &visit.handle, &options, &session, &fresh, NULL) == SESSILE_OK);
    CHECK(session.reason == SESSILE_VALID && strcmp(session.subject, "alice") == 0);
    CHECK(strcmp(old.session, fresh.session) != 0);
    CHECK(sessile_data_get(engine, &session.handle, TEXT("cart"), &value, NULL) == SESSILE_OK);
    CHECK(sessile_bytes_len(value) == 3 && memcmp(sessile_bytes_data(value), "\0\1\2", 4) == 0);
    sessile_bytes_free(value);
    CHECK(sessile_data_get(engine, &session.handle, TEXT("none"), &value, NULL) == SESSILE_OK);
    CHECK(value == NULL && sessile_bytes_len(value) == 0 && *sessile_bytes_data(value) == '\0');
    changes[0].value = NULL;
    changes[0].value_len = 0;
    CHECK(sessile_data_patch(engine, &session.handle, changes, 1, NULL) == SESSILE_OK);
    CHECK(sessile_data_list(engine, &session.handle, &list, NULL) == SESSILE_OK);
    CHECK(sessile_list_len(list) == 1);
    CHECK(sessile_list_data(list, 0, &name, &name_len, &text, &text_len, NULL) == SESSILE_OK);
    CHECK(name_len == 5 && memcmp(name, "theme", 5) == 0);
    CHECK(text_len == 4 && memcmp(text, "dark", 4) == 0);
    CHECK(sessile_list_data(list, 1, NULL, NULL, NULL, NULL, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(sessile_list_key(list, 0, NULL, NULL, NULL, NULL) == SESSILE_ERR_INVALID_INPUT);
    sessile_list_free(list);

    /* The old token shows the visit as it was, for its grace. */
    CHECK(sessile_verify(engine, old.session, strlen(old.session), &visit, NULL) == SESSILE_OK);
    CHECK(visit.reason == SESSILE_VALID && visit.is_superseded && visit.subject_len == 0);
    CHECK(memcmp(&visit.rotated_to, &session.handle, sizeof visit.rotated_to) == 0);
    now_ms += 10000;
    CHECK(sessile_verify(engine, old.session, strlen(old.session), &visit, NULL) == SESSILE_OK);
    CHECK(visit.reason == SESSILE_REASON_REVOKED_SESSION && !visit.is_superseded);
    CHECK(sessile_data_get(engine, &visit.handle, TEXT("x"), &value, NULL)
          == SESSILE_ERR_SESSION_GONE);
    return 0;
}

static int count_cookies(const char *cookies)
{
    int count = 0;

    for (; *cookies; cookies += strlen(cookies) + 1) {
        count++;
    }
    return count;
}

static int cookies_are_written_renewed_and_cleared(sessile_engine *engine)
{
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    char cookies[512], expected[256], csrf[SESSILE_TOKEN_MAX];
    size_t len = 0;
    int32_t is_token = -1;

    CHECK(log_in(engine, &session, &tokens) == 0);
    CHECK(sessile_set_cookies(engine, &session, &tokens, cookies, sizeof cookies, &len, NULL) == 0);
    snprintf(expected, sizeof expected,
             "sid=%s; Max-Age=43200; Path=/; SameSite=Strict; HttpOnly", tokens.session);
    CHECK(strcmp(cookies, expected) == 0 && count_cookies(cookies) == 2);
    snprintf(expected, sizeof expected,
             "sid-left=1800.%lu; Max-Age=1800; Path=/; SameSite=Strict", (unsigned long)now_ms);
    CHECK(strcmp(cookies + strlen(cookies) + 1, expected) == 0);
    CHECK(len == strlen(cookies) + 1 + strlen(expected) + 1);
    memset(cookies, 'x', sizeof cookies);
    CHECK(sessile_set_cookies(engine, &session, &tokens, cookies, len, &len, NULL)
          == SESSILE_ERR_BUFFER_TOO_SMALL);
    CHECK(cookies[0] == 'x');
    CHECK(sessile_set_cookies(engine, &session, &tokens, cookies, len, NULL, NULL) == SESSILE_OK);
    CHECK(cookies[len] == 'x');
    CHECK(sessile_set_cookies(engine, &session, &tokens, NULL, 512, NULL, NULL)
          == SESSILE_ERR_INVALID_INPUT);

    snprintf(expected, sizeof expected, "sid=%s", tokens.session);
    CHECK(sessile_renew_cookies(engine, expected, strlen(expected), cookies, sizeof cookies, NULL,
                                NULL) == SESSILE_OK);
    CHECK(count_cookies(cookies) == 1 && strncmp(cookies, "sid-left=1800.", 14) == 0);
    CHECK(sessile_rotate_key(engine, NULL, NULL) == SESSILE_OK);
    CHECK(sessile_verify(engine, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(strlen(session.renewed_token) == strlen(tokens.session));
    CHECK(sessile_renew_cookies(engine, expected, strlen(expected), cookies, sizeof cookies, NULL,
                                NULL) == SESSILE_OK);
    CHECK(count_cookies(cookies) == 2);
    CHECK(strstr(cookies + strlen(cookies) + 1, session.renewed_token) != NULL);

    CHECK(sessile_csrf_token(engine, &session.handle, csrf, sizeof csrf, NULL) == SESSILE_OK);
    CHECK(sessile_is_csrf_token(engine, &session.handle, csrf, strlen(csrf), &is_token, NULL) == 0);
    CHECK(is_token == 1);
    csrf[10] = csrf[10] == 'A' ? 'B' : 'A';
    CHECK(sessile_is_csrf_token(engine, &session.handle, csrf, strlen(csrf), &is_token, NULL) == 0);
    CHECK(is_token == 0);
    is_token = 1;
    CHECK(sessile_is_csrf_token(NULL, &session.handle, csrf, 3, &is_token, NULL) != SESSILE_OK);
    CHECK(is_token == 0);

    CHECK(sessile_revoke(engine, &session.handle, NULL, NULL) == SESSILE_OK);
    CHECK(sessile_renew_cookies(engine, expected, strlen(expected), cookies, sizeof cookies, NULL,
                                NULL) == SESSILE_OK);
    CHECK(count_cookies(cookies) == 0);
    CHECK(sessile_clear_cookies(engine, cookies, sizeof cookies, NULL, NULL) == SESSILE_OK);
    CHECK(count_cookies(cookies) == 2 && strstr(cookies, "Max-Age=0") != NULL);
    session.reason = SESSILE_REASON_EXPIRED;
    CHECK(sessile_set_cookies(engine, &session, &tokens, cookies, sizeof cookies, NULL, NULL)
          == SESSILE_ERR_INVALID_INPUT);
    return 0;
}

static int access_tokens_stand_and_fall_with_the_session(sessile_engine *engine)
{
    sessile_session session = SESSILE_SESSION_INIT, seen = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_access_options options = SESSILE_ACCESS_OPTIONS_INIT;
    sessile_bytes *token = NULL, *claims = NULL, *jwks = NULL;
    const char *bearer;
    char header[2048];
    size_t bearer_len;
    uint64_t deadline_ms = 0;
    int32_t was_good = -1;

    CHECK(log_in(engine, &session, &tokens) == 0);
    options.scopes = "read write";
    options.scopes_len = 10;
    options.claims_json = "{\"roles\":[\"admin\"]}";
    options.claims_json_len = strlen(options.claims_json);
    CHECK(sessile_issue_access(engine, &session.handle, &options, &token, &deadline_ms, NULL) == 0);
    CHECK(deadline_ms > now_ms + 50000 && deadline_ms <= now_ms + 60000);

    snprintf(header, sizeof header, "Bearer %s", sessile_bytes_data(token));
    CHECK(sessile_bearer_token(header, strlen(header), &bearer, &bearer_len, NULL) == SESSILE_OK);
    CHECK(bearer == header + 7 && bearer_len == sessile_bytes_len(token));
    CHECK(sessile_verify_access(engine, bearer, bearer_len, &seen, &claims, NULL) == SESSILE_OK);
    CHECK(seen.reason == SESSILE_VALID && strcmp(seen.subject, "alice") == 0);
    CHECK(strstr(sessile_bytes_data(claims), "\"roles\":[\"admin\"]") != NULL);
    CHECK(strstr(sessile_bytes_data(claims), "\"scope\":\"read write\"") != NULL);
    sessile_bytes_free(claims);
    CHECK(sessile_verify_access(engine, bearer, bearer_len, &seen, NULL, NULL) == SESSILE_OK);
    CHECK(seen.reason == SESSILE_VALID);
    CHECK(sessile_introspect(engine, bearer, bearer_len, &claims, NULL) == SESSILE_OK);
    CHECK(strstr(sessile_bytes_data(claims), "\"active\":true") != NULL);
    sessile_bytes_free(claims);
    CHECK(sessile_jwks(engine, &jwks, NULL) == SESSILE_OK);
    CHECK(strstr(sessile_bytes_data(jwks), "\"P-256\"") != NULL);
    sessile_bytes_free(jwks);

    CHECK(sessile_deny_access(engine, bearer, bearer_len, &was_good, NULL) == SESSILE_OK);
    CHECK(was_good == 1);
    CHECK(sessile_verify_access(engine, bearer, bearer_len, &seen, NULL, NULL) == SESSILE_OK);
    CHECK(seen.reason == SESSILE_REASON_DENIED && seen.subject_len == 0);
    CHECK(sessile_introspect(engine, bearer, bearer_len, &claims, NULL) == SESSILE_OK);
    CHECK(strcmp(sessile_bytes_data(claims), "{\"active\":false}") == 0);
    sessile_bytes_free(claims);
    sessile_bytes_free(token);
    CHECK(sessile_verify_access(engine, "a.b.c", 5, &seen, NULL, NULL) == SESSILE_OK);
    CHECK(seen.reason == SESSILE_REASON_MALFORMED);
    options.claims_json = "[1]";
    options.claims_json_len = 3;
    CHECK(sessile_issue_access(engine, &session.handle, &options, &token, NULL, NULL)
          == SESSILE_ERR_INVALID_INPUT);
    return 0;
}

static int a_refresh_token_used_twice_ends_the_session(sessile_engine *engine)
{
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_create_options options = SESSILE_CREATE_OPTIONS_INIT;
    sessile_refresh_request request = SESSILE_REFRESH_REQUEST_INIT;
    sessile_refreshed first = SESSILE_REFRESHED_INIT, second = SESSILE_REFRESHED_INIT;

    options.subject = "bob";
    options.subject_len = 3;
    options.is_refreshable = 1;
    options.client = "app";
    options.client_len = 3;
    options.scopes = "read write";
    options.scopes_len = 10;
    CHECK(sessile_create(engine, &options, &session, &tokens, NULL) == SESSILE_OK);
    CHECK(strlen(tokens.refresh) > 0);
    CHECK(sessile_refresh(engine, tokens.refresh, strlen(tokens.refresh), NULL, &session, &first,
                          NULL) == SESSILE_OK);
    CHECK(session.reason == SESSILE_REASON_WRONG_CLIENT && first.refresh_token[0] == '\0');
    request.client = "app";
    request.client_len = 3;
    request.scopes = "read";
    request.scopes_len = 4;
    CHECK(sessile_refresh(engine, tokens.refresh, strlen(tokens.refresh), &request, &session,
                          &first, NULL) == SESSILE_OK);
    CHECK(session.reason == SESSILE_VALID && first.generation == 1 && !first.is_replay);
    CHECK(strcmp(sessile_bytes_data(first.scopes), "read") == 0);
    CHECK(sessile_bytes_len(first.access_token) > 0 && first.access_deadline_ms > now_ms);
    CHECK(sessile_refresh(engine, tokens.refresh, strlen(tokens.refresh), &request, &session,
                          &second, NULL) == SESSILE_OK);
    CHECK(session.reason == SESSILE_VALID && second.is_replay);
    CHECK(strcmp(first.refresh_token, second.refresh_token) == 0);
    CHECK(sessile_confirm_refresh(engine, &session.handle, second.generation, NULL) == SESSILE_OK);
    now_ms += 10000;
    CHECK(sessile_refresh(engine, tokens.refresh, strlen(tokens.refresh), &request, &session,
                          &second, NULL) == SESSILE_OK);
    CHECK(session.reason == SESSILE_REASON_REUSED);
    CHECK(sessile_verify(engine, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_REASON_REUSED);
    sessile_refreshed_clear(&first);
    CHECK(first.scopes == NULL && first.struct_size == sizeof first);
    sessile_refreshed_clear(&first);
    sessile_refreshed_clear(&second);
    sessile_refreshed_clear(NULL);
    return 0;
}

static int a_single_use_token_is_used_once(sessile_engine *engine)
{
    sessile_single_use_options options = SESSILE_SINGLE_USE_OPTIONS_INIT;
    sessile_single_use used = SESSILE_SINGLE_USE_INIT;
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_bytes *payload = NULL;
    sessile_handle handle;
    char token[SESSILE_TOKEN_MAX];
    uint64_t deadline_ms = 0;
    int32_t was_good = -1;

    options.purpose = "reset";
    options.purpose_len = 5;
    options.subject = "alice";
    options.subject_len = 5;
    options.payload = "a\0b";
    options.payload_len = 3;
    CHECK(sessile_issue_single_use(engine, &options, token, 20, NULL, NULL, NULL)
          == SESSILE_ERR_BUFFER_TOO_SMALL);
    CHECK(sessile_issue_single_use(engine, &options, token, sizeof token, &handle, &deadline_ms,
                                   NULL) == SESSILE_OK);
    CHECK(deadline_ms == now_ms + 900000);
    CHECK(sessile_peek_single_use(engine, TEXT("reset"), token, strlen(token), &used, NULL, NULL)
          == SESSILE_OK);
    CHECK(used.reason == SESSILE_VALID && strcmp(used.subject, "alice") == 0);
    CHECK(memcmp(&used.handle, &handle, sizeof handle) == 0);
    CHECK(sessile_consume(engine, TEXT("other"), token, strlen(token), &used, &payload, NULL) == 0);
    CHECK(used.reason > 0 && payload == NULL);
    used.struct_size = 1;
    CHECK(sessile_consume(engine, TEXT("reset"), token, strlen(token), &used, NULL, NULL)
          == SESSILE_ERR_INVALID_INPUT);
    used.struct_size = sizeof used;
    CHECK(sessile_consume(engine, TEXT("reset"), token, strlen(token), &used, &payload, NULL) == 0);
    CHECK(used.reason == SESSILE_VALID && used.created_ms == now_ms);
    CHECK(sessile_bytes_len(payload) == 3 && memcmp(sessile_bytes_data(payload), "a\0b", 4) == 0);
    sessile_bytes_free(payload);
    CHECK(log_in(engine, &session, &tokens) == 0);
    CHECK(sessile_bind_single_use(engine, &handle, &session.handle, NULL) == SESSILE_OK);
    CHECK(sessile_consume(engine, TEXT("reset"), token, strlen(token), &used, NULL, NULL) == 0);
    CHECK(used.reason == SESSILE_REASON_REUSED && used.subject_len == 0);
    CHECK(sessile_verify(engine, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(session.reason > 0);
    CHECK(sessile_consume(NULL, TEXT("reset"), token, 3, &used, NULL, NULL) != SESSILE_OK);
    CHECK(used.reason == SESSILE_REASON_UNANSWERED);
    CHECK(sessile_issue_single_use(engine, &options, token, sizeof token, &handle, NULL, NULL)
          == SESSILE_OK);
    CHECK(sessile_revoke_single_use(engine, &handle, &was_good, NULL) == 0 && was_good == 1);
    return 0;
}

static int api_keys_are_made_listed_and_revoked(sessile_engine *engine)
{
    sessile_api_key_options options = SESSILE_API_KEY_OPTIONS_INIT;
    sessile_api_key key = SESSILE_API_KEY_INIT;
    sessile_bytes *scopes = NULL;
    sessile_list *list = NULL;
    sessile_handle handle;
    char token[SESSILE_TOKEN_MAX];
    int32_t was_good = -1;

    options.subject = "carol";
    options.subject_len = 5;
    options.name = "CI";
    options.name_len = 2;
    options.scopes = " deploy  read ";
    options.scopes_len = 14;
    CHECK(sessile_create_api_key(engine, &options, token, sizeof token, &handle, NULL) == 0);
    CHECK(strncmp(token, "acme_", 5) == 0);
    CHECK(sessile_verify_api_key(engine, token, strlen(token), &key, &scopes, NULL) == 0);
    CHECK(key.reason == SESSILE_VALID && key.uses_this_minute == 1 && key.deadline_ms == 0);
    CHECK(strcmp(key.subject, "carol") == 0 && strcmp(key.name, "CI") == 0 && key.name_len == 2);
    CHECK(strcmp(sessile_bytes_data(scopes), "deploy read") == 0);
    sessile_bytes_free(scopes);
    CHECK(sessile_list_api_keys(engine, TEXT("carol"), &list, NULL) == SESSILE_OK);
    CHECK(sessile_list_len(list) == 1);
    CHECK(sessile_list_api_key(list, 0, &key, NULL, NULL) == SESSILE_OK);
    CHECK(memcmp(&key.handle, &handle, sizeof handle) == 0);
    sessile_list_free(list);
    CHECK(sessile_revoke_api_key(engine, &handle, &was_good, NULL) == 0 && was_good == 1);
    CHECK(sessile_verify_api_key(engine, token, strlen(token), &key, NULL, NULL) == SESSILE_OK);
    CHECK(key.reason == SESSILE_REASON_DENIED && key.name[0] == '\0');
    CHECK(sessile_verify_api_key(engine, NULL, 9, &key, NULL, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(key.reason == SESSILE_REASON_UNANSWERED);
    CHECK(sessile_create_api_key(engine, NULL, token, sizeof token, NULL, NULL)
          == SESSILE_ERR_INVALID_INPUT);
    return 0;
}

static int values_are_signed_and_read_back(sessile_engine *engine)
{
    sessile_bytes *text = NULL, *payload = NULL;
    uint64_t signed_at_ms = 0;
    int32_t reason = SESSILE_VALID;

    CHECK(sessile_sign(engine, TEXT("download"), "a\0b", 3, &text, NULL) == SESSILE_OK);
    CHECK(sessile_unsign(engine, TEXT("download"), sessile_bytes_data(text),
                         sessile_bytes_len(text), 1000, &reason, &payload, &signed_at_ms,
                         NULL) == SESSILE_OK);
    CHECK(reason == SESSILE_VALID && sessile_bytes_len(payload) == 3 && signed_at_ms == now_ms);
    sessile_bytes_free(payload);
    payload = NULL;
    CHECK(sessile_unsign(engine, TEXT("upload"), sessile_bytes_data(text), sessile_bytes_len(text),
                         1000, &reason, &payload, NULL, NULL) == SESSILE_OK);
    CHECK(reason == SESSILE_REASON_BAD_SIGNATURE && payload == NULL);
    now_ms += 1000;
    CHECK(sessile_unsign(engine, TEXT("download"), sessile_bytes_data(text),
                         sessile_bytes_len(text), 1000, &reason, NULL, NULL, NULL) == SESSILE_OK);
    CHECK(reason == SESSILE_REASON_EXPIRED);
    reason = SESSILE_VALID;
    CHECK(sessile_unsign(engine, TEXT("download"), NULL, 1, 1000, &reason, NULL, NULL, NULL)
          == SESSILE_ERR_INVALID_INPUT);
    CHECK(reason == SESSILE_REASON_UNANSWERED);
    CHECK(sessile_sign(engine, NULL, 0, "x", 1, &text, NULL) == SESSILE_ERR_INVALID_INPUT);
    sessile_bytes_free(text);
    sessile_bytes_free(NULL);
    return 0;
}

static int keys_go_through_their_states(sessile_engine *engine)
{
    sessile_list *list = NULL;
    sessile_stats stats = SESSILE_STATS_INIT;
    uint8_t id = 0, published = 0;
    uint64_t since_ms = 0;
    int32_t state = 0;
    size_t last;

    CHECK(sessile_publish_key(engine, &published, NULL) == SESSILE_OK && published > 0);
    CHECK(sessile_list_keys(engine, &list, NULL) == SESSILE_OK);
    last = sessile_list_len(list) - 1;
    CHECK(sessile_list_key(list, last, &id, &state, &since_ms, NULL) == SESSILE_OK);
    CHECK(id == published && state == SESSILE_KEY_PUBLISHED && since_ms == now_ms);
    sessile_list_free(list);
    CHECK(sessile_activate_key(engine, published, NULL) == SESSILE_OK);
    CHECK(sessile_retire_key(engine, published, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(sessile_activate_key(engine, 200, NULL) == SESSILE_ERR_NO_SUCH_KEY);
    CHECK(sessile_rotate_key(engine, &id, NULL) == SESSILE_OK);
    CHECK(sessile_retire_key(engine, published, NULL) == SESSILE_OK);
    CHECK(sessile_import_key(engine, TEXT("no key"), NULL, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(sessile_stats_read(engine, &stats, NULL) == SESSILE_OK);
    CHECK(strcmp(stats.store, "memory") == 0 && stats.survives == SESSILE_SURVIVES_NOTHING);
    CHECK(stats.cache_hits + stats.cache_misses > 0 && stats.cached_bytes > 0);
    return 0;
}

int main(void)
{
    sessile_engine *engine = NULL;

    CHECK(sessile_token_max() == SESSILE_TOKEN_MAX);
    CHECK(open_engine(&engine) == 0);
    CHECK(a_login_rotates_and_keeps_the_data(engine) == 0);
    CHECK(cookies_are_written_renewed_and_cleared(engine) == 0);
    CHECK(access_tokens_stand_and_fall_with_the_session(engine) == 0);
    CHECK(a_refresh_token_used_twice_ends_the_session(engine) == 0);
    CHECK(a_single_use_token_is_used_once(engine) == 0);
    CHECK(api_keys_are_made_listed_and_revoked(engine) == 0);
    CHECK(values_are_signed_and_read_back(engine) == 0);
    CHECK(keys_go_through_their_states(engine) == 0);
    CHECK(sessile_close(engine, NULL) == SESSILE_OK);
    return 0;
}
