// The few SSE intrinsics that libsoxr uses, on WebAssembly's 128-bit vectors.
#pragma once
#include <wasm_simd128.h>

typedef __f32x4 __m128;

#define M(x) ((__m128)(x))
#define _mm_setzero_ps() M(wasm_f32x4_const_splat(0))
#define _mm_set1_ps(a) M(wasm_f32x4_splat(a))
#define _mm_set_ss(a) M(wasm_f32x4_make((a), 0, 0, 0))
#define _mm_add_ps(a, b) ((a) + (b))
#define _mm_sub_ps(a, b) ((a) - (b))
#define _mm_mul_ps(a, b) ((a) * (b))
#define _mm_load_ps(p) M(wasm_v128_load(p))
#define _mm_loadu_ps(p) M(wasm_v128_load(p))
#define _mm_load_ss(p) _mm_set_ss(*(p))
// The upper lanes of every operand of these two are zero.
#define _mm_add_ss(a, b) ((a) + (b))
#define _mm_mul_ss(a, b) ((a) * (b))
#define _mm_store_ss(p, a) (*(p) = (a)[0])
#define _MM_SHUFFLE(z, y, x, w) (((z) << 6) | ((y) << 4) | ((x) << 2) | (w))
#define _mm_shuffle_ps(a, b, i) \
  __builtin_shufflevector((a), (b), (i) & 3, ((i) >> 2) & 3, (((i) >> 4) & 3) + 4, (((i) >> 6) & 3) + 4)
#define _mm_unpacklo_ps(a, b) __builtin_shufflevector((a), (b), 0, 4, 1, 5)
#define _mm_unpackhi_ps(a, b) __builtin_shufflevector((a), (b), 2, 6, 3, 7)
#define _mm_movehl_ps(a, b) __builtin_shufflevector((a), (b), 6, 7, 2, 3)
#define _MM_TRANSPOSE4_PS(r0, r1, r2, r3)                               \
  do {                                                                  \
    __m128 t0 = _mm_unpacklo_ps(r0, r1), t1 = _mm_unpacklo_ps(r2, r3);  \
    __m128 t2 = _mm_unpackhi_ps(r0, r1), t3 = _mm_unpackhi_ps(r2, r3);  \
    r0 = __builtin_shufflevector(t0, t1, 0, 1, 4, 5);                   \
    r1 = __builtin_shufflevector(t0, t1, 2, 3, 6, 7);                   \
    r2 = __builtin_shufflevector(t2, t3, 0, 1, 4, 5);                   \
    r3 = __builtin_shufflevector(t2, t3, 2, 3, 6, 7);                   \
  } while (0)
