// Three threads that block --count times each on a file of their own: one reads a named pipe, one waits with epoll for an eventfd, one
// receives from a socket. The pipe is made in --folder. They are let go --hold-us after each of them has begun. Knows their threads,
// descriptors and what those name.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr size_t kWaiters = 3;
constexpr const char* kNames[kWaiters] = {"pipe_reader", "event_waiter", "datagram_taker"};

struct Stage {
  size_t count = 0;
  int64_t hold_ns = 0;
  std::string folder;
  std::string pipe_path;
  int pipe = -1;
  int event = -1;
  int poll = -1;
  int sockets[2] = {-1, -1};
  std::array<std::atomic<pid_t>, kWaiters> tids{};
  std::atomic<bool> begin{false};
  std::atomic<size_t> waiting{0};  // waits that were begun, of all of them
  std::atomic<size_t> done{0};     // threads that are
  std::atomic<bool> leave{false};
};

void Check(bool fine, const char* what) {
  if (fine) return;
  std::fprintf(stderr, "file_waiter: %s: %s\n", what, std::strerror(errno));
  std::exit(3);
}

void Make(Stage& stage) {
  stage.pipe_path = stage.folder + "/orders." + std::to_string(getpid());
  Check(mkfifo(stage.pipe_path.c_str(), 0600) == 0, "mkfifo");
  stage.pipe = open(stage.pipe_path.c_str(), O_RDWR | O_CLOEXEC);
  stage.event = eventfd(0, EFD_CLOEXEC);
  stage.poll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted = {};
  wanted.events = EPOLLIN;
  Check(stage.pipe >= 0 && stage.event >= 0 && stage.poll >= 0, "open");
  Check(epoll_ctl(stage.poll, EPOLL_CTL_ADD, stage.event, &wanted) == 0, "epoll_ctl");
  Check(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, stage.sockets) == 0, "socketpair");
}

void WaitOnce(Stage& stage, size_t which) {
  uint64_t word = 0;
  if (which == 0) Check(read(stage.pipe, &word, 1) == 1, "read");
  if (which == 2) Check(recv(stage.sockets[0], &word, 1, 0) == 1, "recv");
  if (which != 1) return;
  epoll_event event = {};
  Check(epoll_wait(stage.poll, &event, 1, -1) == 1 && read(stage.event, &word, sizeof(word)) == sizeof(word), "epoll_wait");
}

void LetGo(Stage& stage) {
  const uint64_t one = 1;
  Check(write(stage.pipe, &one, 1) == 1 && write(stage.event, &one, sizeof(one)) == sizeof(one) && send(stage.sockets[1], &one, 1, 0) == 1,
        "write");
}

void Run(Stage& stage, size_t which) {
  Name(kNames[which]);
  stage.tids[which].store(Tid(), std::memory_order_seq_cst);
  stage.tids[which].notify_all();
  stage.begin.wait(false);
  for (size_t i = 0; i < stage.count; ++i) {
    stage.waiting.fetch_add(1, std::memory_order_seq_cst);
    WaitOnce(stage, which);
  }
  stage.done.fetch_add(1, std::memory_order_seq_cst);
  stage.leave.wait(false);
}

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"count", "hold-us", "folder"}, {"interactive"});
  Stage stage;
  stage.count = static_cast<size_t>(arguments.Number("count", 20, 1, 10'000));
  stage.hold_ns = arguments.Number("hold-us", 4'000, 100, 100'000) * 1'000;
  stage.folder = arguments.Text("folder", "/tmp");
  LimitLifetime(120);
  Make(stage);
  Session session(arguments.Flag("interactive"));
  std::array<std::thread, kWaiters> threads;
  for (size_t i = 0; i < kWaiters; ++i) threads[i] = std::thread(Run, std::ref(stage), i);
  nlohmann::json about;
  const int descriptors[kWaiters] = {stage.pipe, stage.poll, stage.sockets[0]};
  for (size_t i = 0; i < kWaiters; ++i) {
    stage.tids[i].wait(0);
    about[kNames[i]] = {{"tid", stage.tids[i].load(std::memory_order_seq_cst)}, {"descriptor", descriptors[i]}};
  }
  struct stat socket = {};
  Check(fstat(stage.sockets[0], &socket) == 0, "fstat");
  about["pipe_reader"]["file"] = stage.pipe_path;
  about["event_waiter"]["file"] = "anon_inode:[eventpoll]";
  about["datagram_taker"]["file"] = "socket:[" + std::to_string(socket.st_ino) + "]";
  session.Ready(about);
  stage.begin.store(true, std::memory_order_seq_cst);
  stage.begin.notify_all();
  for (size_t i = 0; i < stage.count; ++i) {
    while (stage.waiting.load(std::memory_order_seq_cst) < (i + 1) * kWaiters) SleepUntil(NowNs() + 50'000);
    SleepUntil(NowNs() + stage.hold_ns);
    LetGo(stage);
  }
  while (stage.done.load(std::memory_order_seq_cst) < kWaiters) SleepUntil(NowNs() + 50'000);
  about["workload"] = "file_waiter";
  session.Result(about);
  unlink(stage.pipe_path.c_str());
  stage.leave.store(true, std::memory_order_seq_cst);
  stage.leave.notify_all();
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
