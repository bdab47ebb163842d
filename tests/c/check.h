/* What the programs of this folder have in common. */

#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

#define CHECK(condition)                                                \
    do {                                                                \
        if (!(condition)) {                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            return 1;                                                   \
        }                                                               \
    } while (0)

#endif
