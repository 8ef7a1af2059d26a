// The driver's calls that put work into streams or wait for it.
#include "context.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace testdriver {

static std::shared_ptr<Stream> stream_of(Context &context, ud2m_cuda_stream handle) {
    if (!handle)
        return context.streams.null;
    auto found = context.stream_handles.find(handle);
    if (found == context.stream_handles.end())
        throw Fault(UD2M_CUDA_ERROR_INVALID_HANDLE, "no such stream");
    return found->second;
}

static Event &event_of(Context &context, ud2m_cuda_event handle) {
    auto found = context.events.find(handle);
    if (found == context.events.end())
        throw Fault(UD2M_CUDA_ERROR_INVALID_HANDLE, "no such event");
    return *found->second;
}

/// Runs a piece of work in a stream now, as the calls without "Async" do.
static ud2m_cuda_result at_once(const std::function<void(Context &)> &action) {
    return call([&] {
        Context &context = current();
        context.streams.refuse_capture();
        auto null = context.streams.null;
        context.streams.enqueue(null, [&] { action(context); });
        perform(context, [&] { context.streams.run(context.streams.end_of(null)); });
        return UD2M_CUDA_SUCCESS;
    });
}

ud2m_cuda_result later(ud2m_cuda_stream stream, const std::function<void(Context &)> &action) {
    return call([&] {
        Context &context = current();
        context.streams.enqueue(stream_of(context, stream), [&context, action] { action(context); });
        return UD2M_CUDA_SUCCESS;
    });
}

static void check_launch(const Kernel &kernel, const Launch &launch) {
    const Settings &settings = driver().settings;
    auto refuse = [&](ud2m_cuda_result code, const std::string &why) {
        throw Fault(code, "launch of " + kernel.name + ": " + why);
    };
    for (int axis = 0; axis < 3; axis++) {
        if (launch.grid[axis] == 0 || launch.block[axis] == 0)
            refuse(UD2M_CUDA_ERROR_INVALID_VALUE, "a size of 0");
        if (launch.grid[axis] > (axis == 0 ? 0x7fffffffu : 65535u))
            refuse(UD2M_CUDA_ERROR_INVALID_VALUE, "the grid is too large");
        if (launch.block[axis] > (axis == 2 ? 64u : 1024u))
            refuse(UD2M_CUDA_ERROR_INVALID_VALUE, "the block is too large");
    }
    uint32_t threads = launch.block[0] * launch.block[1] * launch.block[2];
    if (threads > 1024)
        refuse(UD2M_CUDA_ERROR_INVALID_VALUE, "more than 1024 threads a block");
    if (threads > kernel.max_threads || (kernel.required_threads && threads != kernel.required_threads))
        refuse(UD2M_CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
               std::to_string(threads) + " threads a block, not what its bounds say");
    if (launch.dynamic_shared > kernel.max_dynamic_shared)
        refuse(UD2M_CUDA_ERROR_INVALID_VALUE, std::to_string(launch.dynamic_shared) +
                                                  " bytes of dynamic shared memory, more than its attribute allows");
    uint32_t limit = kernel.max_dynamic_shared > 48 * 1024 ? uint32_t(settings.shared_limit()) : 48 * 1024;
    if (launch.dynamic_shared + kernel.static_shared > limit)
        refuse(UD2M_CUDA_ERROR_INVALID_VALUE, "too much shared memory");
}

} // namespace testdriver

using namespace testdriver;

EXPORT ud2m_cuda_result cuCtxSynchronize(void) {
    return call([&] {
        Context &context = current();
        context.streams.refuse_capture();
        perform(context, [&] { context.streams.run_all(); });
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuMemcpyHtoD_v2(ud2m_cuda_address to, const void *from, size_t bytes) {
    return at_once([&](Context &context) { context.memory.copy_in(to, from, bytes); });
}
EXPORT ud2m_cuda_result cuMemcpyDtoH_v2(void *to, ud2m_cuda_address from, size_t bytes) {
    return at_once([&](Context &context) { context.memory.copy_out(to, from, bytes); });
}
EXPORT ud2m_cuda_result cuMemcpyDtoD_v2(ud2m_cuda_address to, ud2m_cuda_address from, size_t bytes) {
    return at_once([&](Context &context) { context.memory.copy(to, from, bytes); });
}
EXPORT ud2m_cuda_result cuMemcpyHtoDAsync_v2(ud2m_cuda_address to, const void *from, size_t bytes,
                                             ud2m_cuda_stream stream) {
    return later(stream, [=](Context &context) { context.memory.copy_in(to, from, bytes); });
}
EXPORT ud2m_cuda_result cuMemcpyDtoHAsync_v2(void *to, ud2m_cuda_address from, size_t bytes, ud2m_cuda_stream stream) {
    return later(stream, [=](Context &context) { context.memory.copy_out(to, from, bytes); });
}
EXPORT ud2m_cuda_result cuMemcpyDtoDAsync_v2(ud2m_cuda_address to, ud2m_cuda_address from, size_t bytes,
                                             ud2m_cuda_stream stream) {
    return later(stream, [=](Context &context) { context.memory.copy(to, from, bytes); });
}
EXPORT ud2m_cuda_result cuMemsetD8Async(ud2m_cuda_address to, unsigned char value, size_t count,
                                        ud2m_cuda_stream stream) {
    return later(stream, [=](Context &context) { context.memory.fill(to, value, 1, count); });
}
EXPORT ud2m_cuda_result cuMemsetD32Async(ud2m_cuda_address to, unsigned value, size_t count, ud2m_cuda_stream stream) {
    return later(stream, [=](Context &context) { context.memory.fill(to, value, 4, count); });
}

EXPORT ud2m_cuda_result cuStreamCreate(ud2m_cuda_stream *stream, unsigned flags) {
    return call([&] {
        Context &context = current();
        if (flags & ~unsigned(UD2M_CUDA_STREAM_NON_BLOCKING))
            return UD2M_CUDA_ERROR_INVALID_VALUE;
        auto created = context.streams.create(!(flags & UD2M_CUDA_STREAM_NON_BLOCKING));
        *stream = reinterpret_cast<ud2m_cuda_stream>(created.get());
        context.stream_handles[*stream] = created;
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuStreamDestroy_v2(ud2m_cuda_stream stream) {
    return call([&] {
        Context &context = current();
        if (!stream)
            return UD2M_CUDA_ERROR_INVALID_HANDLE;
        context.streams.destroy(stream_of(context, stream));
        context.stream_handles.erase(stream);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuStreamSynchronize(ud2m_cuda_stream stream) {
    return call([&] {
        Context &context = current();
        auto found = stream_of(context, stream);
        context.streams.refuse_capture(found == context.streams.null ? nullptr : found.get());
        perform(context, [&] { context.streams.run(context.streams.end_of(found)); });
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuStreamWaitEvent(ud2m_cuda_stream stream, ud2m_cuda_event event, unsigned) {
    return call([&] {
        Context &context = current();
        context.streams.wait(stream_of(context, stream), event_of(context, event));
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuEventCreate(ud2m_cuda_event *event, unsigned flags) {
    return call([&] {
        Context &context = current();
        auto created = std::make_unique<Event>();
        created->timing = !(flags & UD2M_CUDA_EVENT_DISABLE_TIMING);
        *event = reinterpret_cast<ud2m_cuda_event>(created.get());
        context.events[*event] = std::move(created);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuEventDestroy_v2(ud2m_cuda_event event) {
    return call([&] {
        Context &context = current();
        return context.events.erase(event) ? UD2M_CUDA_SUCCESS : UD2M_CUDA_ERROR_INVALID_HANDLE;
    });
}

EXPORT ud2m_cuda_result cuEventRecord(ud2m_cuda_event event, ud2m_cuda_stream stream) {
    return call([&] {
        Context &context = current();
        context.streams.record(event_of(context, event), stream_of(context, stream));
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuEventQuery(ud2m_cuda_event event) {
    return call([&] {
        Context &context = current();
        Event &at = event_of(context, event);
        if (at.capture)
            return UD2M_CUDA_ERROR_CAPTURED_EVENT;
        if (!at.moment || at.moment->reached)
            return UD2M_CUDA_SUCCESS;
        // Who asks again and again must see it come at last: each question moves the stream one step.
        perform(context, [&] { context.streams.run({at.position.stream, at.position.stream->done + 1}); });
        return at.moment->reached ? UD2M_CUDA_SUCCESS : UD2M_CUDA_ERROR_NOT_READY;
    });
}

EXPORT ud2m_cuda_result cuEventSynchronize(ud2m_cuda_event event) {
    return call([&] {
        Context &context = current();
        Event &at = event_of(context, event);
        if (at.capture) {
            at.capture->broken = true;
            return UD2M_CUDA_ERROR_CAPTURED_EVENT;
        }
        if (at.moment && !at.moment->reached) {
            Position position = at.position;
            perform(context, [&] { context.streams.run(position); });
        }
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuEventElapsedTime(float *milliseconds, ud2m_cuda_event start, ud2m_cuda_event end) {
    return call([&] {
        Context &context = current();
        Event &first = event_of(context, start), &second = event_of(context, end);
        if (!first.timing || !second.timing || !first.moment || !second.moment)
            return UD2M_CUDA_ERROR_INVALID_HANDLE;
        if (!first.moment->reached || !second.moment->reached)
            return UD2M_CUDA_ERROR_NOT_READY;
        *milliseconds = std::chrono::duration<float, std::milli>(second.moment->time - first.moment->time).count();
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuLaunchKernel(ud2m_cuda_function function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                       unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                                       ud2m_cuda_stream stream, void **parameters, void **extra) {
    return call([&] {
        Context &context = current();
        if (!context.functions.count(function))
            return UD2M_CUDA_ERROR_INVALID_HANDLE;
        auto *kernel = reinterpret_cast<Kernel *>(function);
        auto launch = std::make_shared<Launch>();
        launch->kernel = kernel;
        launch->memory = &context.memory;
        uint32_t grid[3] = {grid_x, grid_y, grid_z}, block[3] = {block_x, block_y, block_z};
        memcpy(launch->grid, grid, sizeof grid);
        memcpy(launch->block, block, sizeof block);
        launch->dynamic_shared = shared_bytes;
        check_launch(*kernel, *launch);
        if (extra || (!parameters && !kernel->parameters.empty()))
            return UD2M_CUDA_ERROR_INVALID_VALUE;
        launch->parameters.resize(kernel->parameter_bytes);
        for (size_t i = 0; i < kernel->parameters.size(); i++)
            memcpy(&launch->parameters[kernel->parameters[i].offset], parameters[i], kernel->parameters[i].size);
        launch->seed = context.seed * 1000003 + context.launched++;
        context.streams.enqueue(stream_of(context, stream), [launch] {
            driver().launches++;
            run(*launch, driver().settings.threads);
        });
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuStreamBeginCapture_v2(ud2m_cuda_stream stream, int mode) {
    return call([&] {
        Context &context = current();
        context.streams.begin_capture(stream_of(context, stream), mode);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuStreamEndCapture(ud2m_cuda_stream stream, ud2m_cuda_graph *graph) {
    return call([&] {
        Context &context = current();
        *graph = nullptr;
        auto created = std::make_unique<Graph>(context.streams.end_capture(stream_of(context, stream)));
        *graph = reinterpret_cast<ud2m_cuda_graph>(created.get());
        context.graphs[*graph] = std::move(created);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuGraphInstantiateWithFlags(ud2m_cuda_graph_exec *exec, ud2m_cuda_graph graph,
                                                    unsigned long long flags) {
    return call([&] {
        Context &context = current();
        auto found = context.graphs.find(graph);
        if (found == context.graphs.end() || flags)
            return UD2M_CUDA_ERROR_INVALID_VALUE;
        auto created = std::make_unique<Graph>(*found->second);
        *exec = reinterpret_cast<ud2m_cuda_graph_exec>(created.get());
        context.executables[*exec] = std::move(created);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuGraphLaunch(ud2m_cuda_graph_exec exec, ud2m_cuda_stream stream) {
    return call([&] {
        Context &context = current();
        auto found = context.executables.find(exec);
        if (found == context.executables.end())
            return UD2M_CUDA_ERROR_INVALID_VALUE;
        context.streams.launch(stream_of(context, stream), *found->second);
        return UD2M_CUDA_SUCCESS;
    });
}

EXPORT ud2m_cuda_result cuGraphExecDestroy(ud2m_cuda_graph_exec exec) {
    return call([&] { return current().executables.erase(exec) ? UD2M_CUDA_SUCCESS : UD2M_CUDA_ERROR_INVALID_VALUE; });
}

EXPORT ud2m_cuda_result cuGraphDestroy(ud2m_cuda_graph graph) {
    return call([&] { return current().graphs.erase(graph) ? UD2M_CUDA_SUCCESS : UD2M_CUDA_ERROR_INVALID_VALUE; });
}
