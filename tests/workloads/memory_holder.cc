// A thread that holds --pages of private anonymous memory, touched once, where the policy that it inherited (numactl) put them. Each line
// is a turn: "read" reads every page --rounds times on the CPUs it may use, "grow" maps and touches as many pages again. It knows where
// they are in its address space, not on which node: the test asks the kernel.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr size_t kPage = 4096;
constexpr unsigned kLifetime = 1'800;  // seconds; an emulated CPU is slow

class Memory {
 public:
  explicit Memory(size_t pages) : pages_(pages) {}

  // One more mapping, touched; its address. Between two pages that nobody may touch, so that it stays a mapping of its own; of small pages,
  // so that a page that is counted is a page that was touched.
  uint64_t Grow() {
    const size_t bytes = pages_ * kPage;
    void* room = mmap(nullptr, bytes + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char* start = room == MAP_FAILED ? nullptr : static_cast<char*>(room) + kPage;
    if (start == nullptr || mprotect(start, bytes, PROT_READ | PROT_WRITE) != 0) {
      std::fprintf(stderr, "memory_holder: %zu bytes: %s\n", bytes, std::strerror(errno));
      std::exit(3);
    }
    madvise(start, bytes, MADV_NOHUGEPAGE);  // refused where the kernel has no huge pages at all: all the same
    for (size_t i = 0; i < pages_; ++i) start[i * kPage] = 1;
    mappings_.push_back(start);
    return reinterpret_cast<uint64_t>(start);
  }

  int64_t Read(int64_t rounds) const {
    int64_t sum = 0;
    for (int64_t round = 0; round < rounds; ++round) {
      for (const volatile char* memory : mappings_) {
        for (size_t i = 0; i < pages_; ++i) sum += memory[i * kPage];
      }
    }
    return sum;
  }

 private:
  size_t pages_;
  std::vector<volatile char*> mappings_;
};

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {"pages", "rounds"}, {"interactive"});
  const int64_t pages = arguments.Number("pages", 4'096, 1, 1 << 20);
  const int64_t rounds = arguments.Number("rounds", 10, 1, 1 << 20);
  LimitLifetime(kLifetime);
  Name("memory_holder");
  Memory memory(static_cast<size_t>(pages));

  Session session(arguments.Flag("interactive"));
  session.Ready({{"tid", Tid()}, {"address", memory.Grow()}, {"pages", pages}, {"page_bytes", kPage}});
  std::string line = "read";  // the first turn, whatever the word for it
  while (line == "read" || line == "grow") {
    line = line == "grow" ? session.Result({{"address", memory.Grow()}, {"pages", pages}})
                          : session.Result({{"workload", "memory_holder"}, {"read_pages", memory.Read(rounds)}});
  }
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
