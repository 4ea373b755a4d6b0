/* Sorts 64-bit words, ascending, unsigned: quicksort by the median of three, with a heap sort for what it splits
 * badly, so that no input takes quadratic time (introsort).
 *
 * Input: at most 65,536 words, little-endian. Result: the words in order. Exits with 1 if the input is longer or is
 * not whole words.
 */
#include "../../../capsules/sdk/c/nonos.h"

typedef uint64_t word;
static word words[65536];

static inline void swap(word *a, word *b) {
    word t = *a;
    *a = *b, *b = t;
}

static void insertion_sort(word *a, int32_t n) {
    for (int32_t i = 1; i < n; i++) {
        word x = a[i];
        int32_t j = i;
        for (; j > 0 && a[j - 1] > x; j--) a[j] = a[j - 1];
        a[j] = x;
    }
}

/* Lets the root of a heap of n words sink to its place. */
static void sink(word *a, int32_t root, int32_t n) {
    word x = a[root];
    for (;;) {
        int32_t child = 2 * root + 1;
        if (child >= n) break;
        if (child + 1 < n && a[child + 1] > a[child]) child++;
        if (a[child] <= x) break;
        a[root] = a[child];
        root = child;
    }
    a[root] = x;
}

static void heap_sort(word *a, int32_t n) {
    for (int32_t i = n / 2 - 1; i >= 0; i--) sink(a, i, n);
    while (n > 1) {
        swap(a, a + --n);
        sink(a, 0, n);
    }
}

static void sort(word *a, int32_t n, int depth) {
    while (n > 16) {
        if (depth-- == 0) {
            heap_sort(a, n);
            return;
        }
        word *middle = a + n / 2, *last = a + n - 1;
        if (*middle < *a) swap(middle, a);
        if (*last < *middle) swap(last, middle);
        if (*middle < *a) swap(middle, a);
        word pivot = *middle;
        int32_t i = 0, j = n - 1;
        for (;;) {
            while (a[++i] < pivot) {}
            while (pivot < a[--j]) {}
            if (i >= j) break;
            swap(a + i, a + j);
        }
        sort(a, i, depth);
        a += i, n -= i;
    }
    insertion_sort(a, n);
}

NONOS_EXPORT(main) void run(void) {
    int64_t length = nonos_len(NONOS_INPUT);
    if (length > (int64_t)sizeof words || length % 8) nonos_exit(1);
    int32_t n = (int32_t)(length / 8);
    for (int32_t i = 0; i < n; i++) words[i] = nonos_read(NONOS_INPUT);
    int depth = 2;
    for (int32_t rest = n; rest; rest >>= 1) depth += 2;
    sort(words, n, depth);
    for (int32_t i = 0; i < n; i++) nonos_write(NONOS_RESULT, words[i]);
    nonos_commit_len(NONOS_RESULT, length);
}
