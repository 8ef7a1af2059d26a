// Streams, events and captured graphs: what may run when.
#include "stream.h"
#include <algorithm>

namespace testdriver {

std::shared_ptr<Stream> Streams::create(bool blocking) {
    forget_finished();
    auto stream = std::make_shared<Stream>();
    stream->blocking = blocking;
    all_.push_back(stream);
    return stream;
}

void Streams::forget_finished() {
    for (size_t i = 0; i < all_.size();) {
        if (destroyed_.count(all_[i].get()) && all_[i]->queue.empty()) {
            destroyed_.erase(all_[i].get());
            all_.erase(all_.begin() + long(i));
        } else {
            i++;
        }
    }
}

void Streams::add(const std::shared_ptr<Stream> &stream, Action action, std::vector<Position> after) {
    // The null stream and the others wait for each other, but for those that were made not to.
    if (stream == null) {
        for (auto &each : all_) {
            if (each == null || !each->blocking)
                continue;
            if (each->capture) {
                each->capture->broken = true;
                throw Fault(906, "work in the null stream while a stream captures that waits for it");
            }
            if (!each->queue.empty())
                after.push_back(end_of(each));
        }
    } else if (stream->blocking && !null->queue.empty()) {
        after.push_back(end_of(null));
    }
    stream->queue.push_back({std::move(action), std::move(after)});
    stream->enqueued++;
}

void Streams::enqueue(const std::shared_ptr<Stream> &stream, Action action) {
    if (!stream->capture)
        return add(stream, std::move(action), {});
    auto &nodes = stream->capture->graph.nodes;
    nodes.push_back({std::move(action), stream->tails});
    stream->tails = {nodes.size() - 1};
}

void Streams::record(Event &event, const std::shared_ptr<Stream> &stream) {
    event.capture = stream->capture;
    if (stream->capture) {
        event.tails = stream->tails;
        event.moment = nullptr;
        return;
    }
    auto moment = std::make_shared<Moment>();
    add(stream,
        [moment] {
            moment->reached = true;
            moment->time = std::chrono::steady_clock::now();
        },
        {});
    event.moment = moment;
    event.position = end_of(stream);
}

void Streams::wait(const std::shared_ptr<Stream> &stream, const Event &event) {
    if (event.capture) {
        if (stream->capture && stream->capture != event.capture)
            throw Fault(902, "a wait that would join two captures");
        if (stream == null)
            throw Fault(UD2M_CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the null stream cannot be captured");
        stream->capture = event.capture;
        for (size_t tail : event.tails)
            if (std::find(stream->tails.begin(), stream->tails.end(), tail) == stream->tails.end())
                stream->tails.push_back(tail);
        return;
    }
    if (stream->capture) {
        stream->capture->broken = true;
        throw Fault(905, "a captured stream waits for an event that was recorded outside");
    }
    // An event that was never recorded is waited for already.
    if (event.moment)
        add(stream, [] {}, {event.position});
}

void Streams::begin_capture(const std::shared_ptr<Stream> &stream, int mode) {
    if (stream == null)
        throw Fault(UD2M_CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the null stream cannot be captured");
    if (stream->capture)
        throw Fault(UD2M_CUDA_ERROR_INVALID_VALUE, "the stream captures already");
    stream->capture = std::make_shared<Capture>();
    stream->capture->origin = stream.get();
    stream->capture->mode = mode;
    stream->capture->thread = std::this_thread::get_id();
    stream->tails.clear();
}

Graph Streams::end_capture(const std::shared_ptr<Stream> &stream) {
    auto capture = stream->capture;
    if (!capture)
        throw Fault(UD2M_CUDA_ERROR_INVALID_VALUE, "the stream does not capture");
    if (capture->origin != stream.get())
        throw Fault(UD2M_CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "the capture began in another stream");
    std::vector<bool> reached(capture->graph.nodes.size());
    std::vector<size_t> open = stream->tails;
    while (!open.empty()) {
        size_t node = open.back();
        open.pop_back();
        if (reached[node])
            continue;
        reached[node] = true;
        for (size_t before : capture->graph.nodes[node].after)
            open.push_back(before);
    }
    for (auto &each : all_) {
        if (each->capture != capture)
            continue;
        each->capture = nullptr;
        each->tails.clear();
    }
    if (capture->broken)
        throw Fault(UD2M_CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "a call during the capture ended it");
    if (std::find(reached.begin(), reached.end(), false) != reached.end())
        throw Fault(UD2M_CUDA_ERROR_STREAM_CAPTURE_UNJOINED,
                    "work of another stream that the first one does not wait for");
    return std::move(capture->graph);
}

void Streams::launch(const std::shared_ptr<Stream> &stream, const Graph &graph) {
    // Nodes run in any order that their needs allow, another one each time.
    enqueue(stream, [this, graph] {
        std::vector<size_t> missing(graph.nodes.size()), ready;
        std::vector<std::vector<size_t>> next(graph.nodes.size());
        for (size_t i = 0; i < graph.nodes.size(); i++) {
            missing[i] = graph.nodes[i].after.size();
            if (missing[i] == 0)
                ready.push_back(i);
            for (size_t before : graph.nodes[i].after)
                next[before].push_back(i);
        }
        while (!ready.empty()) {
            std::swap(ready[random_() % ready.size()], ready.back());
            size_t node = ready.back();
            ready.pop_back();
            graph.nodes[node].action();
            for (size_t after : next[node])
                if (--missing[after] == 0)
                    ready.push_back(after);
        }
    });
}

void Streams::run(const Position &position) {
    Stream &stream = *position.stream;
    while (stream.done < position.count && !stream.queue.empty()) {
        auto after = std::move(stream.queue.front().after);
        stream.queue.front().after.clear();
        for (auto &each : after)
            run(each);
        Work work = std::move(stream.queue.front());
        stream.queue.pop_front();
        stream.done++;
        work.action();
    }
}

void Streams::run_all() {
    for (;;) {
        std::vector<std::shared_ptr<Stream>> pending;
        for (auto &each : all_)
            if (!each->queue.empty())
                pending.push_back(each);
        if (pending.empty())
            break;
        auto &stream = pending[random_() % pending.size()];
        run({stream, stream->done + 1 + random_() % 8});
    }
    forget_finished();
}

void Streams::refuse_capture(Stream *stream) {
    bool found = false;
    for (auto &each : all_) {
        if (!each->capture || (stream && each.get() != stream))
            continue;
        each->capture->broken = true;
        found = true;
    }
    if (found)
        throw Fault(UD2M_CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
                    "a call that waits for the device while a stream captures");
}

void Streams::refuse_global_capture() {
    for (auto &each : all_) {
        if (!each->capture || each->capture->mode == UD2M_CUDA_CAPTURE_RELAXED)
            continue;
        // What other threads do is no concern of a capture that looks at its own.
        if (each->capture->mode == UD2M_CUDA_CAPTURE_THREAD_LOCAL &&
            each->capture->thread != std::this_thread::get_id())
            continue;
        each->capture->broken = true;
        throw Fault(UD2M_CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
                    "a call that may wait for the device while a stream captures");
    }
}

void Streams::abandon() {
    for (auto &each : all_) {
        each->queue.clear();
        each->done = each->enqueued;
    }
}

} // namespace testdriver
