/* NØN-OS capsule SDK for C: the host calls, and bytes over 64-bit tapes.
 *
 * A capsule reads input tapes and writes output tapes, eight bytes at a time, and sees nothing else: no clock,
 * no files, no network. Everything here is `static inline`; there is no library to link.
 * The calls are specified in docs/spec/abi.md; build flags are in capsules/build.sh.
 */
#ifndef NONOS_H
#define NONOS_H

#include <stdint.h>

#define NONOS_IMPORT(name) __attribute__((import_module("nonos"), import_name(#name)))
/* Marks an entry point; the manifest's `exec.entry` names it. */
#define NONOS_EXPORT(name) __attribute__((export_name(#name)))

/* Tape numbers. */
enum nonos_tape {
    NONOS_INPUT = 0,    /* public input */
    NONOS_SEALED = 1,   /* private input */
    NONOS_INBOUND = 2,  /* messages of channels: `nonos_next_message` */
    NONOS_RESULT = 3,   /* the result */
    NONOS_OUTBOUND = 4, /* a message of the capsule's channel */
    NONOS_LOG = 5,      /* log */
};

/* Length of an input tape in bytes. */
NONOS_IMPORT(len) int64_t nonos_len(int32_t tape);
/* Next eight bytes of an input tape, little-endian, padded with zeros; 0 past the end. */
NONOS_IMPORT(read) uint64_t nonos_read(int32_t tape);
/* Appends eight bytes, little-endian, to an output tape. Traps where `commit_len` has cut the last word. */
NONOS_IMPORT(write) void nonos_write(int32_t tape, uint64_t word);
/* States the exact length in bytes: it must lie in the last word written, or be 0 if there is none. */
NONOS_IMPORT(commit_len) void nonos_commit_len(int32_t tape, int64_t bytes);
/* Marks a point where two runs are compared. */
NONOS_IMPORT(checkpoint) void nonos_checkpoint(void);
/* Ends the run with a code. */
NONOS_IMPORT(exit) _Noreturn void nonos_exit(int32_t code);

/* Copies an unread input tape to `buffer`; returns its length, or −1 if that exceeds `capacity` (nothing is
 * read then). Whole words are stored: `buffer` must have `capacity` rounded up to 8 bytes. */
static inline int64_t nonos_read_all(int32_t tape, void *buffer, int64_t capacity) {
    typedef uint64_t __attribute__((aligned(1), may_alias)) word;
    int64_t length = nonos_len(tape);
    if (length > capacity) return -1;
    word *out = buffer;
    for (int64_t at = 0; at < length; at += 8) *out++ = nonos_read(tape);
    return length;
}

/* Writes `length` bytes as the whole content of an output tape, and commits the length. */
static inline void nonos_write_bytes(int32_t tape, const void *bytes, int64_t length) {
    typedef const uint64_t __attribute__((aligned(1), may_alias)) word;
    const uint8_t *in = bytes;
    int64_t at = 0;
    for (; at + 8 <= length; at += 8, in += 8) nonos_write(tape, *(word *)in);
    if (at < length) {
        uint64_t last = 0;
        for (int shift = 0; at < length; at++, shift += 8) last |= (uint64_t)*in++ << shift;
        nonos_write(tape, last);
    }
    nonos_commit_len(tape, length);
}

/* Ends the run with a trap. */
static inline _Noreturn void nonos_trap(void) { __builtin_trap(); }

/* Bytes of an input tape, one after the other. The tape must be read by nothing else. */
struct nonos_reader {
    int64_t left;  /* bytes that were not read yet */
    uint64_t word; /* what is left of the last word, in its low bytes */
    int32_t tape;
    int32_t have; /* how many those are */
};

/* A reader of an unread input tape. */
static inline struct nonos_reader nonos_reader(int32_t tape) {
    return (struct nonos_reader){.left = nonos_len(tape), .tape = tape};
}

/* The next byte, or −1 at the end. */
static inline int nonos_get(struct nonos_reader *in) {
    if (in->left == 0) return -1;
    if (in->have == 0) {
        in->word = nonos_read(in->tape);
        in->have = 8;
    }
    int byte = (int)(in->word & 0xff);
    in->word >>= 8;
    in->have--;
    in->left--;
    return byte;
}

/* Copies at most `size` bytes, fewer only at the end; returns how many. */
static inline int64_t nonos_get_bytes(struct nonos_reader *in, void *buffer, int64_t size) {
    uint8_t *out = buffer;
    int64_t count = 0;
    for (int byte; count < size && (byte = nonos_get(in)) >= 0; count++) out[count] = (uint8_t)byte;
    return count;
}

/* Bytes of an output tape, one after the other. The tape must be written by nothing else. */
struct nonos_writer {
    int64_t size;  /* bytes written */
    uint64_t word; /* those that are no whole word yet */
    int32_t tape;
};

/* A writer of an output tape on which nothing was written. */
static inline struct nonos_writer nonos_writer(int32_t tape) { return (struct nonos_writer){.tape = tape}; }

/* Appends a byte. */
static inline void nonos_put(struct nonos_writer *out, uint8_t byte) {
    out->word |= (uint64_t)byte << (8 * (out->size & 7));
    if ((++out->size & 7) == 0) {
        nonos_write(out->tape, out->word);
        out->word = 0;
    }
}

/* Appends bytes. */
static inline void nonos_put_bytes(struct nonos_writer *out, const void *bytes, int64_t size) {
    const uint8_t *in = bytes;
    for (int64_t at = 0; at < size; at++) nonos_put(out, in[at]);
}

/* Appends a text up to its zero byte. */
static inline void nonos_put_text(struct nonos_writer *out, const char *text) {
    while (*text) nonos_put(out, (uint8_t)*text++);
}

/* Writes the last word and states the length. Nothing can be written then. */
static inline void nonos_finish(struct nonos_writer *out) {
    if (out->size & 7) nonos_write(out->tape, out->word);
    nonos_commit_len(out->tape, out->size);
}

/* A message of a channel. Zeroed, it stands before the first one. */
struct nonos_message {
    uint64_t receipt[4]; /* names it: 32 bytes, as they are in memory */
    uint64_t capsule[4]; /* whose channel it is: 32 bytes */
    int64_t length;      /* its bytes, at least one */
    int64_t unread;      /* those that were not read yet */
    int64_t next;        /* where the next one begins on the tape */
};

/* Goes to the next message of the inbound tape (docs/spec/channel.md), past what was not read of this one; returns 0 if
 * there is none. The tape must be read by nothing else. */
static inline int nonos_next_message(struct nonos_message *message) {
    for (; message->unread > 0; message->unread -= 8) nonos_read(NONOS_INBOUND);
    if (message->next >= nonos_len(NONOS_INBOUND)) return 0;
    for (int i = 0; i < 4; i++) message->receipt[i] = nonos_read(NONOS_INBOUND);
    for (int i = 0; i < 4; i++) message->capsule[i] = nonos_read(NONOS_INBOUND);
    message->length = message->unread = (int64_t)nonos_read(NONOS_INBOUND);
    message->next += 72 + ((message->length + 7) & -8);
    return 1;
}

/* Copies a message to `buffer`; returns its length, or −1 if that exceeds `capacity` or it was read before (nothing is
 * read then). Whole words are stored: `buffer` must have `capacity` rounded up to 8 bytes. */
static inline int64_t nonos_read_message(struct nonos_message *message, void *buffer, int64_t capacity) {
    typedef uint64_t __attribute__((aligned(1), may_alias)) word;
    if (message->length > capacity || message->unread != message->length) return -1;
    word *out = buffer;
    for (; message->unread > 0; message->unread -= 8) *out++ = nonos_read(NONOS_INBOUND);
    return message->length;
}

#endif
