/* Parses a JSON document (RFC 8259, with integers only for numbers, of 18 digits at most) and tells what is in it.
 *
 * Input: at most 256 KiB. Result: nine words, little-endian: objects, arrays, members, strings, numbers, literals, greatest depth,
 * the sum of all numbers, and the number of characters in all strings, names of members included, escapes resolved.
 * Exits with 1 if the input is too long, with 2 if it is not such a document.
 */
#include "../../../capsules/sdk/c/nonos.h"

enum { CAPACITY = 1 << 18, DEEPEST = 64 };
static uint8_t text[CAPACITY + 8];

static struct {
    uint64_t objects, arrays, members, strings, numbers, literals, deepest;
    int64_t sum;
    uint64_t characters;
} found;

static const uint8_t *at;

static _Noreturn void refuse(void) { nonos_exit(2); }

static inline void space(void) {
    while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r') at++;
}

static inline void expect(uint8_t byte) {
    if (*at++ != byte) refuse();
}

static uint32_t hex(void) {
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = *at++;
        uint32_t digit = (uint32_t)c - '0', letter = (uint32_t)(c | 0x20) - 'a';
        if (digit > 9 && letter > 5) refuse();
        code = code << 4 | (digit <= 9 ? digit : letter + 10);
    }
    return code;
}

/* A code unit in hexadecimal, or two of them for one character beyond the basic plane. */
static void unicode(void) {
    uint32_t code = hex();
    if (code >> 10 == 0x37) refuse();
    if (code >> 10 == 0x36) {
        expect('\\'), expect('u');
        if (hex() >> 10 != 0x37) refuse();
    }
}

static void escape(void) {
    switch (*at++) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': break;
    case 'u': unicode(); break;
    default: refuse();
    }
}

/* What follows the first byte of a character that takes more than one: no overlong form, no surrogate, nothing
 * beyond U+10FFFF. */
static void tail(uint8_t first) {
    int more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (first < 0xc2 || first > 0xf4) refuse();
    uint8_t second = *at;
    uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (second < least || second > most) refuse();
    for (at++; --more;) {
        if (*at++ >> 6 != 2) refuse();
    }
}

static void string(void) {
    expect('"');
    for (;; found.characters++) {
        uint8_t c = *at++;
        if (c == '"') return;
        if (c < 0x20) refuse();
        if (c == '\\') escape();
        if (c >= 0x80) tail(c);
    }
}

static void number(void) {
    int negative = *at == '-';
    at += negative;
    const uint8_t *digits = at;
    int64_t value = 0;
    while ((uint32_t)*at - '0' <= 9) value = 10 * value + (*at++ - '0');
    int64_t length = at - digits;
    if (length < 1 || length > 18 || (*digits == '0' && length > 1)) refuse();
    if (*at == '.' || (*at | 0x20) == 'e') refuse();
    found.numbers++;
    found.sum += negative ? -value : value;
}

static void literal(const char *word) {
    for (; *word; word++) expect((uint8_t)*word);
    found.literals++;
}

static void value(uint64_t depth);

static void members(uint64_t depth, uint8_t end) {
    at++;
    space();
    if (*at == end) {
        at++;
        return;
    }
    for (;; space()) {
        if (end == '}') {
            string(), space(), expect(':'), space();
            found.members++;
        }
        value(depth + 1);
        space();
        uint8_t c = *at++;
        if (c == end) return;
        if (c != ',') refuse();
    }
}

static void value(uint64_t depth) {
    if (depth > DEEPEST) refuse();
    if (depth > found.deepest) found.deepest = depth;
    switch (*at) {
    case '{': found.objects++, members(depth, '}'); break;
    case '[': found.arrays++, members(depth, ']'); break;
    case '"': found.strings++, string(); break;
    case 't': literal("true"); break;
    case 'f': literal("false"); break;
    case 'n': literal("null"); break;
    default: number();
    }
}

NONOS_EXPORT(main) void run(void) {
    int64_t length = nonos_read_all(NONOS_INPUT, text, CAPACITY);
    if (length < 0) nonos_exit(1);
    /* The byte after the text is zero, which nothing accepts, so that no check of the end is needed but this. */
    at = text;
    space(), value(1), space();
    if (at != text + length) refuse();
    const uint64_t *word = (const uint64_t *)&found;
    for (unsigned i = 0; i < sizeof found / 8; i++) nonos_write(NONOS_RESULT, word[i]);
    nonos_commit_len(NONOS_RESULT, sizeof found);
}
