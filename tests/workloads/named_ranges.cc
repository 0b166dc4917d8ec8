// A program that names its memory through the marker library and knows which of it was touched: it asks mincore of its own pages. Each line
// is a turn, after which it tells its ranges: "touch" touches the rest of "pool", "rename" names the memory of "book" "orders" instead,
// "withdraw" ends "pool", "many" names 256 more in a second marker and tells the error of one beyond (257 in a file).
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "client/marker/hftmon_marker.h"
#include "common/marker_ring_layout.h"
#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"
#include "tests/workloads/session.h"

namespace hftmon::workload {
namespace {

constexpr size_t kBookPages = 64;    // every fourth touched
constexpr size_t kPoolPages = 512;   // the first half touched
constexpr size_t kLogPages = 8'192;  // the same: more than are looked at of a range
constexpr size_t kSlotPages = 4;     // all touched; named from within the first page to within the last
constexpr size_t kWholePages = 32;   // a mapping of its own, ten touched

struct Range {
  std::string name;
  char* address = nullptr;
  size_t bytes = 0;
  uint32_t number = 0;
};

class NamedMemory {
 public:
  NamedMemory() : marker_(hftmon_marker_create(nullptr)) {
    if (marker_ == nullptr) return;
    char* const all = Map(kBookPages + kPoolPages + kLogPages + kSlotPages);
    book_ = all;
    pool_ = book_ + kBookPages * page_;
    char* const log = pool_ + kPoolPages * page_;
    char* const slots = log + kLogPages * page_;
    char* const whole = Map(kWholePages);
    Touch(book_, kBookPages, 4);
    Touch(pool_, kPoolPages / 2);
    Touch(log, kLogPages / 2);
    Touch(slots, kSlotPages);
    Touch(whole, 10);
    Name(marker_, "book", book_, kBookPages * page_);
    Name(marker_, "pool", pool_, kPoolPages * page_);
    Name(marker_, "log", log, kLogPages * page_);
    Name(marker_, "slots", slots + 1'000, (kSlotPages - 1) * page_);
    Name(marker_, "whole", whole, kWholePages * page_);
  }
  ~NamedMemory() {
    hftmon_marker_close(more_);
    hftmon_marker_close(marker_);
  }
  NamedMemory(const NamedMemory&) = delete;
  NamedMemory& operator=(const NamedMemory&) = delete;

  bool refused() const { return marker_ == nullptr; }

  nlohmann::json Turn(const std::string& line) {
    int error = 0;
    if (line == "touch") Touch(pool_, kPoolPages);
    if (line == "rename") {
      Withdraw("book");
      Name(marker_, "orders", book_, kBookPages * page_);
    }
    if (line == "withdraw") Withdraw("pool");
    if (line == "many") error = NameMany();
    nlohmann::json told = {{"workload", "named_ranges"}, {"error", error}, {"ranges", nlohmann::json::array()}};
    for (const Range& range : ranges_) told["ranges"].push_back(Truth(range));
    return told;
  }

 private:
  // Between two pages that nobody may touch, so that no neighbour is joined to it; of small pages, so that a page that is counted is one
  // that was touched.
  char* Map(size_t pages) const {
    void* const room = mmap(nullptr, (pages + 2) * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char* const start = room == MAP_FAILED ? nullptr : static_cast<char*>(room) + page_;
    if (start == nullptr || mprotect(start, pages * page_, PROT_READ | PROT_WRITE) != 0) {
      std::fprintf(stderr, "named_ranges: %zu pages: %s\n", pages, std::strerror(errno));
      std::exit(3);
    }
    madvise(start, pages * page_, MADV_NOHUGEPAGE);  // refused where the kernel has no huge pages at all: all the same
    return start;
  }
  void Touch(volatile char* start, size_t pages, size_t step = 1) const {
    for (size_t page = 0; page < pages; page += step) start[page * page_] = 1;
  }
  void Name(hftmon_marker* marker, const std::string& name, char* address, size_t bytes) {
    const uint32_t number = hftmon_marker_range(marker, name.c_str(), address, bytes);
    if (number != 0) ranges_.push_back({.name = name, .address = address, .bytes = bytes, .number = number});
  }
  void Withdraw(const std::string& name) {
    std::erase_if(ranges_, [&](const Range& range) {
      if (range.name != name) return false;
      hftmon_marker_range_end(marker_, range.number);
      return true;
    });
  }
  int NameMany() {
    more_ = hftmon_marker_create(nullptr);
    for (size_t i = 0; i < HFT_MARKER_RANGES_MAX; ++i) Name(more_, "more" + std::to_string(1'000 + i), pool_ + i * page_, page_);
    const size_t named = ranges_.size();
    Name(more_, "one beyond", pool_, page_);
    return ranges_.size() == named ? errno : 0;
  }
  // Pages that any byte of the range lies in, and which of them are there.
  nlohmann::json Truth(const Range& range) const {
    char* const first = range.address - reinterpret_cast<uintptr_t>(range.address) % page_;
    const size_t pages = (static_cast<size_t>(range.address + range.bytes - first) + page_ - 1) / page_;
    std::vector<unsigned char> there(pages);
    if (mincore(first, pages * page_, there.data()) != 0) std::exit(4);
    return {{"name", range.name},
            {"address", reinterpret_cast<uintptr_t>(range.address)},
            {"bytes", range.bytes},
            {"page_count", pages},
            {"touched_count", std::count_if(there.begin(), there.end(), [](unsigned char page) { return (page & 1) != 0; })}};
  }

  const size_t page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  hftmon_marker* const marker_;
  hftmon_marker* more_ = nullptr;
  char* book_ = nullptr;
  char* pool_ = nullptr;
  std::vector<Range> ranges_;
};

int Main(int argc, char** argv) {
  const Arguments arguments(argc, argv, {}, {"interactive"});
  LimitLifetime(120);
  Name("named_ranges");
  NamedMemory memory;
  Session session(arguments.Flag("interactive"));
  session.Ready({{"refused", memory.refused() ? "no marker file can be made" : ""}});
  if (memory.refused()) return 5;
  for (std::string line = "tell"; !line.empty();) line = session.Result(memory.Turn(line));
  return 0;
}

}  // namespace
}  // namespace hftmon::workload

int main(int argc, char** argv) {
  return hftmon::workload::Main(argc, argv);
}
