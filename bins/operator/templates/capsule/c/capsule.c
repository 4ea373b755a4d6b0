/* @NAME@: the input in capital letters. */
#include "nonos.h"

NONOS_EXPORT(main) void run(void) {
    struct nonos_reader in = nonos_reader(NONOS_INPUT);
    struct nonos_writer out = nonos_writer(NONOS_RESULT);
    for (int byte; (byte = nonos_get(&in)) >= 0;) {
        if (byte >= 'a' && byte <= 'z') byte -= 'a' - 'A';
        nonos_put(&out, (uint8_t)byte);
    }
    nonos_finish(&out);
}
