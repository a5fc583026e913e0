// The processor's vector instructions, where the compiler has them: HETERODYNE_INTRINSICS is defined then.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#if !defined(__clang__)
// Falsely reported inside the intrinsics: GCC bug 105593.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#define HETERODYNE_INTRINSICS 1
#endif
