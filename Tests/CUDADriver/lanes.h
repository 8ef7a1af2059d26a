#pragma once
// Instructions that do the same to each lane, made of operations on one value: `Op::apply(a, b, c)`.
#include "builder.h"
#include "warp.h"

LANES_BEGIN
namespace testdriver {

template <class R, class A, class Op> void run_unary(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<A> *a = warp.lanes<A>(i.o[1]);
    R result[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++)
        result[lane] = Op::apply(A(a[lane]));
    put<R>(warp, i.o[0], mask, result);
}

template <class R, class A, class B, class Op> void run_binary(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<A> *a = warp.lanes<A>(i.o[1]);
    const Lanes<B> *b = warp.lanes<B>(i.o[2]);
    R result[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++)
        result[lane] = Op::apply(A(a[lane]), B(b[lane]));
    put<R>(warp, i.o[0], mask, result);
}

template <class R, class A, class B, class C, class Op>
void run_ternary(Warp &warp, const Instruction &i, uint32_t mask) {
    const Lanes<A> *a = warp.lanes<A>(i.o[1]);
    const Lanes<B> *b = warp.lanes<B>(i.o[2]);
    const Lanes<C> *c = warp.lanes<C>(i.o[3]);
    R result[warp_size];
    for (unsigned lane = 0; lane < warp_size; lane++)
        result[lane] = Op::apply(A(a[lane]), B(b[lane]), C(c[lane]));
    put<R>(warp, i.o[0], mask, result);
}

/// Two 16-bit values in a 32-bit register.
template <class Half> struct Pair {
    Half low, high;
};

} // namespace testdriver
LANES_END
