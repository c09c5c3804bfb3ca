// Kernels over one row of floats, written once over the vector primitives of an instruction set (see kernels_simd.h).

/// exp(x) with a relative error below 2e-7; NaN stays NaN, and 0 below exp(-87): processors take a hundred times as long for denormals.
///
/// x = n * ln 2 + r with |r| <= ln(2) / 2, exp(x) = 2^n * exp(r), exp(r) by its Taylor polynomial of degree 7 (cut off below 6e-9).
/// ln 2 is the float nearest to it plus a correction, both applied by fused multiply-add.
STELLAR_INLINE vec v_exp(vec x) {
    const float least_exponent = -87.0f;
    const vec within = v_min(v_set1(89.0f), v_max(v_set1(least_exponent), x));  // infinity lies within
    const vec n = v_round(v_mul(within, v_set1(0x1.715476p+0f)));
    vec r = v_fma(n, v_set1(-0x1.62e430p-1f), within);
    r = v_fma(n, v_set1(0x1.05c610p-29f), r);
    vec p = v_set1(1.0f / 5040);
    p = v_fma(p, r, v_set1(1.0f / 720));
    p = v_fma(p, r, v_set1(1.0f / 120));
    p = v_fma(p, r, v_set1(1.0f / 24));
    p = v_fma(p, r, v_set1(1.0f / 6));
    p = v_fma(p, r, v_set1(0.5f));
    p = v_fma(p, r, v_set1(1.0f));
    p = v_fma(p, r, v_set1(1.0f));
    return v_zero_below(v_scale(p, n), x, least_exponent);
}

STELLAR_INLINE float exp_one(float x) { return v_first(v_exp(v_set1(x))); }

static void rms_norm(const float *x, const float *weight, float *y, size_t n, float epsilon) {
    vec squares = v_zero();
    size_t i = 0;
    for (; i + VEC_LANES <= n; i += VEC_LANES) {
        const vec value = v_load(x + i);
        squares = v_fma(value, value, squares);
    }
    if (i < n) {
        const vec value = v_load_n(x + i, n - i);
        squares = v_fma(value, value, squares);
    }
    const double mean = (double)v_reduce_add(squares) / (double)n;
    const vec factor = v_set1((float)(1.0 / sqrt(mean + (double)epsilon)));
    for (i = 0; i + VEC_LANES <= n; i += VEC_LANES) { v_store(y + i, v_mul(v_mul(v_load(x + i), factor), v_load(weight + i))); }
    if (i < n) { v_store_n(y + i, v_mul(v_mul(v_load_n(x + i, n - i), factor), v_load_n(weight + i, n - i)), n - i); }
}

// Rotations round each product and sum, as the reference does: all instruction sets agree bit for bit.

STELLAR_INLINE void rotate(float *a, float *b, float cosine, float sine) {
    const float first = *a, second = *b;
    *a = first * cosine - second * sine;
    *b = first * sine + second * cosine;
}

STELLAR_INLINE void v_rotate(vec *a, vec *b, vec cosine, vec sine) {
    const vec first = *a, second = *b;
    *a = v_sub(v_mul(first, cosine), v_mul(second, sine));
    *b = v_add(v_mul(first, sine), v_mul(second, cosine));
}

static void rope_interleaved(float *x, const float *cos, const float *sin, size_t pairs) {
    size_t i = 0;
    for (; i + VEC_LANES <= pairs; i += VEC_LANES) {
        vec a, b;
        v_load_pairs(x + 2 * i, &a, &b);
        v_rotate(&a, &b, v_load(cos + i), v_load(sin + i));
        v_store_pairs(x + 2 * i, a, b);
    }
    for (; i < pairs; i++) { rotate(&x[2 * i], &x[2 * i + 1], cos[i], sin[i]); }
}

static void rope_half(float *x, const float *cos, const float *sin, size_t pairs) {
    size_t i = 0;
    for (; i + VEC_LANES <= pairs; i += VEC_LANES) {
        vec a = v_load(x + i), b = v_load(x + i + pairs);
        v_rotate(&a, &b, v_load(cos + i), v_load(sin + i));
        v_store(x + i, a);
        v_store(x + i + pairs, b);
    }
    for (; i < pairs; i++) { rotate(&x[i], &x[i + pairs], cos[i], sin[i]); }
}

STELLAR_INLINE vec v_silu_multiply(vec gate, vec up) {
    const vec one = v_set1(1.0f);
    return v_mul(v_div(gate, v_add(one, v_exp(v_sub(v_zero(), gate)))), up);
}

static void silu_multiply(const float *gate, const float *up, float *out, size_t n) {
    size_t i = 0;
    for (; i + VEC_LANES <= n; i += VEC_LANES) { v_store(out + i, v_silu_multiply(v_load(gate + i), v_load(up + i))); }
    if (i < n) { v_store_n(out + i, v_silu_multiply(v_load_n(gate + i, n - i), v_load_n(up + i, n - i)), n - i); }
}

/// g * sigmoid(2u) is the same as g / 2 * (1 + tanh(u)).
STELLAR_INLINE vec v_gelu_multiply(vec gate, vec up) {
    const vec one = v_set1(1.0f);
    const vec cube = v_mul(v_mul(gate, gate), gate);
    const vec twice = v_mul(v_set1(-1.5957691216057308f), v_fma(v_set1(0.044715f), cube, gate));
    return v_mul(v_div(gate, v_add(one, v_exp(twice))), up);
}

static void gelu_multiply(const float *gate, const float *up, float *out, size_t n) {
    size_t i = 0;
    for (; i + VEC_LANES <= n; i += VEC_LANES) { v_store(out + i, v_gelu_multiply(v_load(gate + i), v_load(up + i))); }
    if (i < n) { v_store_n(out + i, v_gelu_multiply(v_load_n(gate + i, n - i), v_load_n(up + i, n - i)), n - i); }
}

/// cap * tanh(x / cap), with tanh(y) = 1 - 2 / (1 + exp(2y)).
STELLAR_INLINE vec v_soft_cap(vec x, float cap) {
    const vec one = v_set1(1.0f);
    const vec e = v_exp(v_mul(x, v_set1(2 / cap)));
    return v_mul(v_set1(cap), v_sub(one, v_div(v_set1(2.0f), v_add(one, e))));
}

static void soft_cap(float *x, size_t n, float cap) {
    size_t i = 0;
    for (; i + VEC_LANES <= n; i += VEC_LANES) { v_store(x + i, v_soft_cap(v_load(x + i), cap)); }
    if (i < n) { v_store_n(x + i, v_soft_cap(v_load_n(x + i, n - i), cap), n - i); }
}

static void add(float *x, const float *y, size_t n) {
    size_t i = 0;
    for (; i + VEC_LANES <= n; i += VEC_LANES) { v_store(x + i, v_add(v_load(x + i), v_load(y + i))); }
    for (; i < n; i++) { x[i] += y[i]; }
}

// MARK: Conversions

static void f32_to_f16(const float *src, uint16_t *dst, size_t n) {
    size_t i = 0;
    for (; i + VEC_LANES <= n; i += VEC_LANES) { v_store_f16(dst + i, v_load(src + i)); }
    for (; i < n; i++) { dst[i] = stellar_f32_to_f16(src[i]); }
}

static void f16_to_f32(const uint16_t *src, float *dst, size_t n) {
    size_t i = 0;
    for (; i + VEC_LANES <= n; i += VEC_LANES) { v_store(dst + i, v_load_f16(src + i)); }
    for (; i < n; i++) { dst[i] = stellar_f16_to_f32(src[i]); }
}

// Integer work without branches: the compiler makes vectors of it.

static void f32_to_bf16(const float *src, uint16_t *dst, size_t n) {
    for (size_t i = 0; i < n; i++) { dst[i] = stellar_f32_to_bf16(src[i]); }
}

static void bf16_to_f32(const uint16_t *src, float *dst, size_t n) {
    for (size_t i = 0; i < n; i++) { dst[i] = stellar_bf16_to_f32(src[i]); }
}

// MARK: Logits

static float max(const float *x, size_t n) {
    vec greatest = v_set1(-INFINITY);
    size_t i = 0;
    for (; i + VEC_LANES <= n; i += VEC_LANES) { greatest = v_max_number(v_load(x + i), greatest); }
    if (i < n) { greatest = v_max_number(v_keep(v_load_n(x + i, n - i), n - i, -INFINITY), greatest); }
    return v_reduce_max(greatest);
}

static size_t argmax(const float *x, size_t n) {
    const float greatest = max(x, n);
    const vec wanted = v_set1(greatest);
    size_t i = 0;
    for (; i + VEC_LANES <= n; i += VEC_LANES) {
        const int lane = v_first_equal(v_load(x + i), wanted);
        if (lane >= 0) { return i + (size_t)lane; }
    }
    for (; i < n; i++) {
        if (x[i] == greatest) { return i; }
    }
    return 0;
}

/// Sum of exp(x[i] - base), each term stored to `terms` if that is not NULL.
STELLAR_INLINE float sum_exp(const float *x, size_t n, float base, float *terms) {
    vec sum = v_zero();
    size_t i = 0;
    for (; i + VEC_LANES <= n; i += VEC_LANES) {
        const vec term = v_exp(v_sub(v_load(x + i), v_set1(base)));
        if (terms != NULL) { v_store(terms + i, term); }
        sum = v_add(sum, term);
    }
    if (i < n) {
        const vec term = v_keep(v_exp(v_sub(v_load_n(x + i, n - i), v_set1(base))), n - i, 0);
        if (terms != NULL) { v_store_n(terms + i, term, n - i); }
        sum = v_add(sum, term);
    }
    return v_reduce_add(sum);
}

static float log_sum_exp(const float *x, size_t n) {
    const float greatest = max(x, n);
    return greatest == -INFINITY ? -INFINITY : greatest + logf(sum_exp(x, n, greatest, NULL));
}

static void softmax(float *x, size_t n) {
    const float greatest = max(x, n);
    const float sum = sum_exp(x, n, greatest == -INFINITY ? 0 : greatest, x);
    const vec factor = v_set1(sum == 0 ? 0 : 1 / sum);
    size_t i = 0;
    for (; i + VEC_LANES <= n; i += VEC_LANES) { v_store(x + i, v_mul(v_load(x + i), factor)); }
    if (i < n) { v_store_n(x + i, v_mul(v_load_n(x + i, n - i), factor), n - i); }
}
