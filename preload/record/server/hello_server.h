// HelloServer: the socket on which guests say hello and send their userfaultfds, and on which they get their answer.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>

#include "model/base/result.h"
#include "preload/record/kernel/unique_fd.h"
#include "preload/record/server/event_loop.h"
#include "preload/ring/protocol.h"

namespace oomcast::record {

/// The descriptors of a hello: a userfaultfd for all memory but the heap, and one for the heap. Either may be missing.
struct FaultDescriptors {
  UniqueFd all, heap;
};

struct Hello {
  int connection = -1;  // to be answered by HelloServer::reply() or kept by keep()
  uint32_t pid = 0;     // from SO_PEERCRED; of a socketpair the pid of its creator
  uint32_t user = 0;
  ring::Request request;
  FaultDescriptors descriptors;
};

class HelloServer {
 public:
  /// `stack_sample_bytes`: sent in each reply. `take`: called with each valid hello.
  HelloServer(EventLoop& loop, int64_t stack_sample_bytes, std::function<void(Hello)> take);
  ~HelloServer();
  HelloServer(const HelloServer&) = delete;
  HelloServer& operator=(const HelloServer&) = delete;

  /// Opens the abstract socket for hellos. An empty name: a random name is chosen. Error: the socket cannot be opened.
  Result<void> listen(const std::string& abstract_name);
  const std::string& socket_name() const { return socket_name_; }
  /// Watches a connected socket for a hello, and takes it over.
  void add_connection(int fd);
  /// Reserves a descriptor for accept_connection(). To be called after RLIMIT_NOFILE was raised.
  void keep_spare_descriptor();

  /// The listener is ready: accepts one connection, or turns it away if the recorder has no free descriptor.
  void accept_connection();
  /// A connection is ready: reads its hello and calls `take`. Hangs up on anything else.
  void read_connection(int fd);

  /// Fields of ring::Reply.
  struct Answer {
    ring::ReplyStatus status = ring::ReplyStatus::kStayOut;
    bool polled = false, huge_pages_off = false;
  };
  /// Sends the answer and hangs up, except after kTakeDevice.
  void reply(int fd, const Answer& answer, std::span<const int> descriptors = {});

  /// Takes the connection out of the loop and gives it to the caller. Invalid: there is no such connection.
  UniqueFd keep(int fd);

  /// Connections that were closed because the recorder had no free descriptor.
  uint64_t turned_away() const { return turned_away_; }

 private:
  void hang_up(int fd);

  EventLoop& loop_;
  int64_t stack_sample_bytes_;
  std::function<void(Hello)> take_;
  std::string socket_name_;
  UniqueFd listener_, spare_;
  std::set<int> connections_;  // accepted, and still to say hello or to be answered
  uint64_t turned_away_ = 0;
};

}  // namespace oomcast::record
