// HETERODYNE_CLONES: one clone of a function for each instruction set, chosen when the program is loaded. Kernels are
// compiled without contraction of products and sums, so every clone gives the same bits.
#pragma once

// The thread sanitizer is not ready when the choice is made.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define HETERODYNE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define HETERODYNE_CLONES
#endif

// What a clone calls is compiled for its instruction set only when it is inlined.
#define HETERODYNE_INLINE inline __attribute__((always_inline))
