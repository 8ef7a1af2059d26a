#pragma once
#include "fault.h"
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace testdriver {

using Action = std::function<void()>;

/// Actions and for each the earlier ones that it needs.
struct Graph {
    struct Node {
        Action action;
        std::vector<size_t> after;
    };
    std::vector<Node> nodes;
};

struct Stream;

/// A capture that is under way; several streams may have joined it.
struct Capture {
    Graph graph;
    Stream *origin = nullptr;
    int mode = 0;
    bool broken = false;
    std::thread::id thread;
};

/// "The first `count` pieces of work of the stream are done."
struct Position {
    std::shared_ptr<Stream> stream;
    uint64_t count = 0;
};

struct Work {
    Action action;
    std::vector<Position> after;
};

struct Stream {
    /// Whether it waits for the null stream, and that for it.
    bool blocking = true;
    std::deque<Work> queue;
    uint64_t enqueued = 0, done = 0;
    std::shared_ptr<Capture> capture;
    /// Of a capture: the nodes that the next one comes after.
    std::vector<size_t> tails;
};

/// When an event was recorded last.
struct Moment {
    bool reached = false;
    std::chrono::steady_clock::time_point time;
};

struct Event {
    bool timing = true;
    std::shared_ptr<Moment> moment;
    Position position;
    std::shared_ptr<Capture> capture;
    std::vector<size_t> tails;
};

/// All streams of a context. Nothing runs before something waits for it.
class Streams {
  public:
    explicit Streams(uint64_t seed) : null(std::make_shared<Stream>()), random_(uint32_t(seed) | 1) {
        all_.push_back(null);
    }

    const std::shared_ptr<Stream> null;

    std::shared_ptr<Stream> create(bool blocking);
    /// Work that is pending stays so.
    void destroy(const std::shared_ptr<Stream> &stream) { destroyed_.insert(stream.get()); }

    /// Adds to the stream, or to the graph that it captures.
    void enqueue(const std::shared_ptr<Stream> &stream, Action action);
    void record(Event &event, const std::shared_ptr<Stream> &stream);
    void wait(const std::shared_ptr<Stream> &stream, const Event &event);

    void begin_capture(const std::shared_ptr<Stream> &stream, int mode);
    Graph end_capture(const std::shared_ptr<Stream> &stream);
    void launch(const std::shared_ptr<Stream> &stream, const Graph &graph);

    /// Runs what the stream has up to the position, and what that waits for; nothing else.
    void run(const Position &position);
    void run_all();
    Position end_of(const std::shared_ptr<Stream> &stream) const { return {stream, stream->enqueued}; }
    /// Calls that wait for the device must not come while a stream captures.
    void refuse_capture(Stream *stream = nullptr);
    /// Calls that may wait for the device must not, if a capture forbids them.
    void refuse_global_capture();
    /// After a fault nothing that is pending runs.
    void abandon();

  private:
    std::vector<std::shared_ptr<Stream>> all_;
    std::set<Stream *> destroyed_;
    std::minstd_rand random_;

    void add(const std::shared_ptr<Stream> &stream, Action action, std::vector<Position> after);
    void forget_finished();
};

} // namespace testdriver
