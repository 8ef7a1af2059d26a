// Streams, events and graphs: right orders work, and what is missing shows.
#include "check.h"
#include <cmath>

namespace check {

namespace {
struct Two {
    ud2m_cuda_stream first, second;
    ud2m_cuda_event event, other;
    ud2m_cuda_function affine;
    std::vector<float> values = noise(64, 1);
    ud2m_cuda_address a, b, c;

    Two() {
        must(cuda.cuStreamCreate(&first, UD2M_CUDA_STREAM_NON_BLOCKING), "cuStreamCreate");
        must(cuda.cuStreamCreate(&second, UD2M_CUDA_STREAM_NON_BLOCKING), "cuStreamCreate");
        must(cuda.cuEventCreate(&event, UD2M_CUDA_EVENT_DISABLE_TIMING), "cuEventCreate");
        must(cuda.cuEventCreate(&other, 0), "cuEventCreate");
        affine = kernel("sums", "affine");
        a = allocate(256);
        b = allocate(256);
        c = allocate(256);
    }
    void step(ud2m_cuda_address from, ud2m_cuda_address to, ud2m_cuda_stream stream) {
        must(launch(affine, 1, 64, 0, stream, from, to, 64, 0, 0), "affine");
    }
    void upload_in(ud2m_cuda_stream stream) { must(cuda.cuMemcpyHtoDAsync(a, values.data(), 256, stream), "copy"); }
    /// Of so many steps.
    void expect_result(ud2m_cuda_address at, int steps) {
        auto result = download<float>(at, 64);
        for (size_t i = 0; i < 64; i++) {
            float expected = values[i];
            for (int step = 0; step < steps; step++)
                expected = 2 * expected + 1;
            expect(result[i] == expected, "element " + std::to_string(i));
        }
    }
};
} // namespace

static void orders() {
    test("one stream", [] {
        Two two;
        two.upload_in(two.first);
        two.step(two.a, two.b, two.first);
        two.step(two.b, two.c, two.first);
        auto before = ud2m_testdriver_launches();
        must(cuda.cuStreamSynchronize(two.second), "cuStreamSynchronize");
        expect(ud2m_testdriver_launches() == before, "nothing runs before it is waited for");
        must(cuda.cuStreamSynchronize(two.first), "cuStreamSynchronize");
        two.expect_result(two.c, 2);
    });
    test("two streams with an event", [] {
        Two two;
        two.upload_in(two.first);
        must(cuda.cuEventRecord(two.event, two.first), "cuEventRecord");
        must(cuda.cuStreamWaitEvent(two.second, two.event, 0), "cuStreamWaitEvent");
        two.step(two.a, two.b, two.second);
        must(cuda.cuStreamSynchronize(two.second), "cuStreamSynchronize");
        two.expect_result(two.b, 1);
    });
    test("a missing wait", [] {
        Two two;
        two.upload_in(two.first);
        must(cuda.cuEventRecord(two.event, two.first), "cuEventRecord");
        two.step(two.a, two.b, two.second);
        expect_fault(cuda.cuStreamSynchronize(two.second), UD2M_CUDA_ERROR_LAUNCH_FAILED, {"never written"},
                     "missing wait");
    });
    test("a wait that comes too early", [] {
        Two two;
        must(cuda.cuStreamWaitEvent(two.second, two.event, 0), "cuStreamWaitEvent");
        two.upload_in(two.first);
        must(cuda.cuEventRecord(two.event, two.first), "cuEventRecord");
        two.step(two.a, two.b, two.second);
        expect_fault(cuda.cuStreamSynchronize(two.second), UD2M_CUDA_ERROR_LAUNCH_FAILED, {"never written"},
                     "early wait");
    });
    test("host memory that changes before the copy", [] {
        Two two;
        two.upload_in(two.first);
        two.values[3] = 9;
        must(cuda.cuStreamSynchronize(two.first), "cuStreamSynchronize");
        expect(download<float>(two.a, 64)[3] == 9, "the copy was made at once");
    });
    test("events", [] {
        Two two;
        two.upload_in(two.first);
        must(cuda.cuEventRecord(two.event, two.first), "cuEventRecord");
        expect(cuda.cuEventQuery(two.event) == UD2M_CUDA_ERROR_NOT_READY, "ready too early");
        must(cuda.cuEventQuery(two.event), "cuEventQuery");
        ud2m_cuda_event start, end;
        must(cuda.cuEventCreate(&start, 0), "cuEventCreate");
        must(cuda.cuEventCreate(&end, 0), "cuEventCreate");
        must(cuda.cuEventRecord(start, two.first), "cuEventRecord");
        two.step(two.a, two.b, two.first);
        must(cuda.cuEventRecord(end, two.first), "cuEventRecord");
        float time = -1;
        expect(cuda.cuEventElapsedTime(&time, start, end) == UD2M_CUDA_ERROR_NOT_READY, "a time before the end");
        must(cuda.cuEventSynchronize(end), "cuEventSynchronize");
        must(cuda.cuEventElapsedTime(&time, start, end), "cuEventElapsedTime");
        expect(time > 0, "no time went by");
        expect(cuda.cuEventElapsedTime(&time, two.event, end) == UD2M_CUDA_ERROR_INVALID_HANDLE,
               "an event without timing");
    });
    test("the null stream waits for the others", [] {
        Two two;
        ud2m_cuda_stream blocking;
        must(cuda.cuStreamCreate(&blocking, 0), "cuStreamCreate");
        two.upload_in(blocking);
        two.step(two.a, two.b, nullptr);
        two.step(two.b, two.c, blocking);
        must(cuda.cuStreamSynchronize(blocking), "cuStreamSynchronize");
        two.expect_result(two.c, 2);
    });
}

static ud2m_cuda_graph_exec instantiate(ud2m_cuda_stream stream) {
    ud2m_cuda_graph graph;
    ud2m_cuda_graph_exec exec;
    must(cuda.cuStreamEndCapture(stream, &graph), "cuStreamEndCapture");
    must(cuda.cuGraphInstantiate(&exec, graph, 0), "cuGraphInstantiate");
    must(cuda.cuGraphDestroy(graph), "cuGraphDestroy");
    return exec;
}

static void graphs() {
    test("a graph", [] {
        Two two;
        must(cuda.cuStreamBeginCapture(two.first, UD2M_CUDA_CAPTURE_THREAD_LOCAL), "cuStreamBeginCapture");
        two.upload_in(two.first);
        two.step(two.a, two.b, two.first);
        two.step(two.b, two.c, two.first);
        auto exec = instantiate(two.first);
        auto before = ud2m_testdriver_launches();
        for (int i = 0; i < 3; i++)
            must(cuda.cuGraphLaunch(exec, two.first), "cuGraphLaunch");
        must(cuda.cuStreamSynchronize(two.first), "cuStreamSynchronize");
        expect(ud2m_testdriver_launches() == before + 6, "three times two kernels");
        two.expect_result(two.c, 2);
        must(cuda.cuGraphExecDestroy(exec), "cuGraphExecDestroy");
    });
    // A fork to another stream and back, with or without the wait that orders the second kernel after the first.
    auto fork = [](Two &two, bool wait) {
        must(cuda.cuMemcpyHtoD(two.a, two.values.data(), 256), "cuMemcpyHtoD");
        must(cuda.cuStreamBeginCapture(two.first, UD2M_CUDA_CAPTURE_GLOBAL), "cuStreamBeginCapture");
        must(cuda.cuEventRecord(two.event, two.first), "cuEventRecord");
        two.step(two.a, two.b, two.first);
        if (wait)
            must(cuda.cuEventRecord(two.event, two.first), "cuEventRecord");
        must(cuda.cuStreamWaitEvent(two.second, two.event, 0), "cuStreamWaitEvent");
        two.step(two.b, two.c, two.second);
        must(cuda.cuEventRecord(two.other, two.second), "cuEventRecord");
        must(cuda.cuStreamWaitEvent(two.first, two.other, 0), "cuStreamWaitEvent");
        return instantiate(two.first);
    };
    test("a graph of two streams", [&] {
        Two two;
        auto exec = fork(two, true);
        for (int i = 0; i < 20; i++)
            must(cuda.cuGraphLaunch(exec, two.first), "cuGraphLaunch");
        must(cuda.cuStreamSynchronize(two.first), "cuStreamSynchronize");
        two.expect_result(two.c, 2);
    });
    test("a graph without an order", [&] {
        ud2m_cuda_result result = 0;
        // Either order is drawn; the first launch with the wrong one reads what nothing wrote.
        for (int i = 0; i < 20 && !result; i++) {
            Two two;
            auto exec = fork(two, false);
            must(cuda.cuGraphLaunch(exec, two.first), "cuGraphLaunch");
            result = cuda.cuStreamSynchronize(two.first);
        }
        expect_fault(result, UD2M_CUDA_ERROR_LAUNCH_FAILED, {"never written"}, "no order");
    });
    test("captures that go wrong", [] {
        Two two;
        ud2m_cuda_graph graph;
        ud2m_cuda_address address;
        must(cuda.cuStreamBeginCapture(two.first, UD2M_CUDA_CAPTURE_GLOBAL), "cuStreamBeginCapture");
        expect(cuda.cuStreamSynchronize(two.first) == UD2M_CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "waiting");
        expect(cuda.cuStreamEndCapture(two.first, &graph) == UD2M_CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
               "a broken capture");
        must(cuda.cuStreamBeginCapture(two.first, UD2M_CUDA_CAPTURE_GLOBAL), "cuStreamBeginCapture");
        expect(cuda.cuMemAlloc(&address, 4) == UD2M_CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "cuMemAlloc");
        cuda.cuStreamEndCapture(two.first, &graph);
        must(cuda.cuStreamBeginCapture(two.first, UD2M_CUDA_CAPTURE_RELAXED), "cuStreamBeginCapture");
        must(cuda.cuMemAlloc(&address, 4), "cuMemAlloc");
        two.upload_in(two.first);
        must(cuda.cuEventRecord(two.event, two.first), "cuEventRecord");
        must(cuda.cuStreamWaitEvent(two.second, two.event, 0), "cuStreamWaitEvent");
        two.step(two.a, two.b, two.second);
        expect(cuda.cuStreamEndCapture(two.second, &graph) == UD2M_CUDA_ERROR_STREAM_CAPTURE_UNMATCHED,
               "the other stream");
        expect(cuda.cuStreamEndCapture(two.first, &graph) == UD2M_CUDA_ERROR_STREAM_CAPTURE_UNJOINED,
               "a stream that is left");
        two.upload_in(two.first);
        must(cuda.cuStreamSynchronize(two.first), "cuStreamSynchronize");
    });
}

void stream_tests() {
    orders();
    graphs();
}

} // namespace check
