/* The life of a session: created, verified in every way, listed, revoked; and what a program gets
 * that does it wrong. */

#include <sessile.h>

#include <string.h>

#include "check.h"

static int make_engine(sessile_engine **engine)
{
    sessile_config *config = sessile_config_new_in_memory();

    CHECK(config != NULL);
    CHECK(sessile_config_no_threads(config) == SESSILE_OK);
    CHECK(sessile_open(config, engine, NULL) == SESSILE_OK);
    sessile_config_free(config);
    return 0;
}

static int log_in(sessile_engine *engine, const char *subject, const char *label,
                  sessile_session *session, sessile_tokens *tokens)
{
    sessile_create_options options = SESSILE_CREATE_OPTIONS_INIT;

    options.subject = subject;
    options.subject_len = strlen(subject);
    options.device_label = label;
    options.device_label_len = strlen(label);
    CHECK(sessile_create(engine, &options, session, tokens, NULL) == SESSILE_OK);
    return 0;
}

static int a_session_lives_until_it_is_revoked(sessile_engine *engine)
{
    sessile_session created = SESSILE_SESSION_INIT, session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    char header[512];
    int32_t was_valid = -1;
    size_t count = 99;

    CHECK(session.reason == SESSILE_REASON_UNANSWERED);
    CHECK(log_in(engine, "alice", "Firefox on Linux", &created, &tokens) == 0);
    CHECK(created.reason == SESSILE_VALID && tokens.refresh[0] == '\0');

    CHECK(sessile_verify(engine, tokens.session, strlen(tokens.session), &session, NULL)
          == SESSILE_OK);
    CHECK(session.reason == SESSILE_VALID);
    CHECK(strcmp(session.subject, "alice") == 0 && session.subject_len == 5);
    CHECK(memcmp(&session.handle, &created.handle, sizeof session.handle) == 0);
    CHECK(session.authenticated_at_ms == session.created_ms && session.created_ms > 0);
    CHECK(session.idle_deadline_ms == session.last_seen_ms + 30 * 60 * 1000);
    CHECK(session.absolute_deadline_ms == session.created_ms + 12 * 60 * 60 * 1000);
    CHECK(!session.is_rotation_due && !session.are_claims_stale && !session.is_superseded);
    CHECK(session.renewed_token[0] == '\0');

    snprintf(header, sizeof header, "theme=dark; __Host-sid=%s; x=y", tokens.session);
    CHECK(sessile_verify_cookie_header(engine, header, strlen(header), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_VALID);
    CHECK(sessile_peek_cookie_header(engine, header, strlen(header), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_VALID);
    CHECK(sessile_verify_cookie_header(engine, "theme=dark", 10, &session, NULL) == 0);
    CHECK(session.reason == SESSILE_REASON_ABSENT && session.subject_len == 0);
    CHECK(sessile_verify_cookie_header(engine, NULL, 0, &session, NULL) == 0);
    CHECK(session.reason == SESSILE_REASON_ABSENT);

    snprintf(header, sizeof header, "Bearer %s", tokens.session);
    CHECK(sessile_verify_authorization_header(engine, header, strlen(header), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_VALID);
    CHECK(sessile_verify_authorization_header(engine, "Basic eDp5", 10, &session, NULL) == 0);
    CHECK(session.reason == SESSILE_REASON_ABSENT);

    CHECK(sessile_count(engine, "alice", 5, &count, NULL) == SESSILE_OK && count == 1);
    CHECK(sessile_revoke(engine, &created.handle, &was_valid, NULL) == SESSILE_OK);
    CHECK(was_valid == 1);
    CHECK(sessile_revoke(engine, &created.handle, &was_valid, NULL) == SESSILE_OK);
    CHECK(was_valid == 0);
    CHECK(sessile_peek(engine, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_REASON_REVOKED_SESSION);
    CHECK(session.subject[0] == '\0' && session.absolute_deadline_ms == 0);
    return 0;
}

static int a_subjects_devices_are_listed_and_all_but_one_revoked(sessile_engine *engine)
{
    sessile_session here = SESSILE_SESSION_INIT, session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT, others = SESSILE_TOKENS_INIT;
    sessile_session_info info = SESSILE_SESSION_INFO_INIT;
    sessile_list *list = NULL;
    char text[SESSILE_HANDLE_TEXT_MAX];
    sessile_handle parsed;
    size_t i, found = 0;

    CHECK(log_in(engine, "bob", "Phone", NULL, &others) == 0);
    CHECK(log_in(engine, "bob", "Laptop", &here, &tokens) == 0);
    CHECK(sessile_list_sessions(engine, "bob", 3, &list, NULL) == SESSILE_OK);
    CHECK(sessile_list_len(list) == 2);
    for (i = 0; i < 2; i++) {
        CHECK(sessile_list_session(list, i, &info, NULL) == SESSILE_OK);
        if (memcmp(&info.handle, &here.handle, sizeof info.handle) == 0) {
            CHECK(strcmp(info.device_label, "Laptop") == 0 && info.device_label_len == 6);
            found++;
        } else {
            CHECK(strcmp(info.device_label, "Phone") == 0);
        }
        CHECK(info.created_ms > 0 && info.amr_len == 0 && strcmp(info.acr, "") == 0);
    }
    CHECK(found == 1);
    CHECK(sessile_list_session(list, 2, &info, NULL) == SESSILE_ERR_INVALID_INPUT);
    sessile_list_free(list);

    CHECK(sessile_handle_text(&here.handle, text, sizeof text, NULL) == SESSILE_OK);
    CHECK(strlen(text) == SESSILE_HANDLE_TEXT_MAX - 1);
    CHECK(sessile_handle_parse(text, strlen(text), &parsed, NULL) == SESSILE_OK);
    CHECK(memcmp(&parsed, &here.handle, sizeof parsed) == 0);
    CHECK(sessile_handle_parse("no", 2, &parsed, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(sessile_handle_text(&here.handle, text, 24, NULL) == SESSILE_ERR_BUFFER_TOO_SMALL);

    CHECK(sessile_revoke_subject(engine, "bob", 3, &here.handle, NULL) == SESSILE_OK);
    CHECK(sessile_verify(engine, others.session, strlen(others.session), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_REASON_REVOKED_SUBJECT);
    CHECK(sessile_verify(engine, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_VALID);

    CHECK(sessile_suspend(engine, "bob", 3, 0, NULL) == SESSILE_OK);
    CHECK(sessile_verify(engine, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_REASON_SUSPENDED);
    CHECK(sessile_reinstate(engine, "bob", 3, NULL) == SESSILE_OK);
    CHECK(sessile_bump_claims(engine, "bob", 3, NULL, NULL) == SESSILE_OK);
    CHECK(sessile_verify(engine, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_VALID && session.are_claims_stale == 1);
    CHECK(sessile_revoke_presented(engine, tokens.session, strlen(tokens.session), NULL) == 0);
    CHECK(sessile_verify(engine, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_REASON_REVOKED_SESSION);
    return 0;
}

static int what_is_wrong_is_said_and_lets_nobody_in(sessile_engine *engine)
{
    static const char not_utf8[] = { 'a', (char)0xff, 'b', 0 };
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tokens tokens = SESSILE_TOKENS_INIT;
    sessile_create_options options = SESSILE_CREATE_OPTIONS_INIT;
    sessile_config *config;
    sessile_engine *none = NULL;
    sessile_error error;
    char garbage[300];
    size_t i;

    /* Garbage is a verdict. */
    for (i = 0; i < sizeof garbage; i++) {
        memset(garbage, (int)(i * 7 + 1), sizeof garbage);
        session.reason = SESSILE_VALID;
        CHECK(sessile_verify(engine, garbage, i, &session, NULL) == SESSILE_OK);
        CHECK(session.reason > 0);
    }
    CHECK(sessile_verify(engine, NULL, 0, &session, NULL) == SESSILE_OK);
    CHECK(session.reason == SESSILE_REASON_MALFORMED);

    /* What is NULL or has no size is an error, whatever was there before. */
    session.reason = SESSILE_VALID;
    CHECK(sessile_verify(NULL, "x", 1, &session, &error) == SESSILE_ERR_INVALID_INPUT);
    CHECK(session.reason == SESSILE_REASON_UNANSWERED);
    CHECK(error.code == SESSILE_ERR_INVALID_INPUT && strlen(error.message) > 0);
    session.reason = SESSILE_VALID;
    CHECK(sessile_verify(engine, NULL, 1, &session, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(session.reason == SESSILE_REASON_UNANSWERED);
    CHECK(sessile_verify(engine, "x", 1, NULL, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(sessile_verify(engine, "x", (size_t)-1, &session, NULL) == SESSILE_ERR_INVALID_INPUT);
    session.struct_size = 0;
    CHECK(sessile_verify(engine, "x", 1, &session, NULL) == SESSILE_ERR_INVALID_INPUT);
    session.struct_size = sizeof session - 1;
    CHECK(sessile_verify(engine, "x", 1, &session, NULL) == SESSILE_ERR_INVALID_INPUT);

    /* Nothing is created when its token would have nowhere to go. */
    options.subject = "carol";
    options.subject_len = 5;
    CHECK(sessile_create(engine, &options, NULL, NULL, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(sessile_count(engine, "carol", 5, &i, NULL) == SESSILE_OK && i == 0);
    options.subject = not_utf8;
    options.subject_len = 3;
    CHECK(sessile_create(engine, &options, NULL, &tokens, &error) == SESSILE_ERR_INVALID_INPUT);
    CHECK(strstr(error.message, "UTF-8") != NULL);
    options.subject = garbage;
    memset(garbage, 'x', sizeof garbage);
    options.subject_len = 256;
    CHECK(sessile_create(engine, &options, NULL, &tokens, &error) == SESSILE_ERR_INVALID_INPUT);
    options.subject_len = 255;
    CHECK(sessile_create(engine, &options, NULL, &tokens, &error) == SESSILE_OK);
    session.struct_size = sizeof session;
    CHECK(sessile_verify(engine, tokens.session, strlen(tokens.session), &session, NULL) == 0);
    CHECK(session.reason == SESSILE_VALID && session.subject_len == 255);
    CHECK(strlen(session.subject) == 255);
    options.device_label = garbage;
    options.device_label_len = 256;
    CHECK(sessile_create(engine, &options, NULL, &tokens, NULL) == SESSILE_ERR_TOO_LARGE);
    options.device_label = NULL;
    options.device_label_len = 0;
    options.idle_timeout_ms = 1000;
    CHECK(sessile_create(engine, &options, NULL, &tokens, NULL) == SESSILE_ERR_INVALID_INPUT);

    /* A setter's refusal comes back from sessile_open. */
    config = sessile_config_new_in_memory();
    CHECK(sessile_config_max_sessions_per_subject(config, 5, 77) == SESSILE_ERR_INVALID_INPUT);
    CHECK(sessile_open(config, &none, &error) == SESSILE_ERR_INVALID_INPUT);
    CHECK(strstr(error.message, "at_limit") != NULL && none == NULL);
    sessile_config_free(config);
    config = sessile_config_new_in_memory();
    CHECK(sessile_config_idle_timeout_ms(config, 1) == SESSILE_OK);
    CHECK(sessile_open(config, &none, &error) == SESSILE_ERR_INVALID_CONFIG);
    CHECK(strstr(error.message, "idle_timeout") != NULL);
    sessile_config_free(config);
    config = sessile_config_new(NULL, 0);
    CHECK(sessile_open(config, &none, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(sessile_open(NULL, &none, NULL) == SESSILE_ERR_INVALID_INPUT);
    CHECK(sessile_open(config, NULL, NULL) == SESSILE_ERR_INVALID_INPUT);
    sessile_config_free(config);
    sessile_config_free(NULL);
    sessile_list_free(NULL);
    sessile_engine_release(NULL);
    CHECK(sessile_engine_retain(NULL) == NULL && sessile_close(NULL, NULL) == SESSILE_OK);
    return 0;
}

static int a_closed_engine_says_so_to_whoever_has_another_reference(void)
{
    sessile_session session = SESSILE_SESSION_INIT;
    sessile_tick_report report = SESSILE_TICK_REPORT_INIT;
    sessile_engine *engine = NULL, *other;

    CHECK(make_engine(&engine) == 0);
    CHECK(sessile_tick(engine, &report, NULL) == SESSILE_OK && report.rows_swept == 0);
    CHECK(sessile_tick(engine, NULL, NULL) == SESSILE_OK);
    other = sessile_engine_retain(engine);
    CHECK(other == engine && sessile_close(engine, NULL) == SESSILE_OK);
    session.reason = SESSILE_VALID;
    CHECK(sessile_verify(other, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 48, &session,
                         NULL) == SESSILE_OK);
    CHECK(session.reason > 0);
    CHECK(sessile_revoke_all(other, NULL) == SESSILE_ERR_CLOSED);
    sessile_engine_release(other);
    return 0;
}

int main(void)
{
    sessile_engine *engine = NULL;

    CHECK(make_engine(&engine) == 0);
    CHECK(a_session_lives_until_it_is_revoked(engine) == 0);
    CHECK(a_subjects_devices_are_listed_and_all_but_one_revoked(engine) == 0);
    CHECK(what_is_wrong_is_said_and_lets_nobody_in(engine) == 0);
    CHECK(sessile_close(engine, NULL) == SESSILE_OK);
    CHECK(a_closed_engine_says_so_to_whoever_has_another_reference() == 0);
    return 0;
}
