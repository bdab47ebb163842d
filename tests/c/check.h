/* What the programs of this folder have in common. */

#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

#define CHECK(condition)                                                \
    do {                                                                \
        if (!(condition)) {                                             \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);     \
            return 1;                                                   \
        }                                                               \
    } while (0)

#endif
