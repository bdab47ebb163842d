/* Walks the tables of the core, which the test writes as `tables.h`: rows of a constant of
 * sessile.h, its number and its name. Exits with 0 when the library says the same. */

#include <sessile.h>

#include <string.h>

#include "check.h"

struct row {
    int32_t constant;
    int32_t number;
    const char *name;
};

static const struct row statuses[] = {
    { SESSILE_OK, 0, "ok" },
#define STATUS(constant, number, name) { constant, number, name },
#define REASON(constant, number, name)
#include "tables.h"
#undef STATUS
#undef REASON
    { SESSILE_ERR_BUFFER_TOO_SMALL, 1000, "buffer_too_small" },
};

static const struct row reasons[] = {
    { SESSILE_VALID, 0, "valid" },
    { SESSILE_REASON_ABSENT, -1, "absent" },
    { SESSILE_REASON_UNANSWERED, -2, "unanswered" },
#define STATUS(constant, number, name)
#define REASON(constant, number, name) { constant, number, name },
#include "tables.h"
};

#define LEN(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

/* Whether one of the rows has the number, and which. */
static const char *name_of(const struct row *rows, int len, int32_t number)
{
    int i;

    for (i = 0; i < len; i++) {
        if (rows[i].constant == number) {
            return rows[i].name;
        }
    }
    return "unknown";
}

int main(void)
{
    int i;

    CHECK(LEN(statuses) > 1 && LEN(reasons) > 1);
    for (i = 0; i < LEN(statuses); i++) {
        CHECK(statuses[i].constant == statuses[i].number);
    }
    for (i = 0; i < LEN(reasons); i++) {
        CHECK(reasons[i].constant == reasons[i].number);
    }
    /* Numbers without a row, too, and those no table has. */
    for (i = -5; i < 1100; i++) {
        CHECK(strcmp(sessile_status_name(i), name_of(statuses, LEN(statuses), i)) == 0);
        CHECK(strcmp(sessile_reason_name(i), name_of(reasons, LEN(reasons), i)) == 0);
    }
    return 0;
}
