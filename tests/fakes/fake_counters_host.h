// FakeCountersHost: a host whose events, pages and files a test chooses, for opening counters (client/marker/counters_host.h). Remembers
// what is open and mapped. A page counts once its group is switched on, unless told otherwise. The test's thread.
#ifndef HFTMON_TESTS_FAKES_FAKE_COUNTERS_HOST_H_
#define HFTMON_TESTS_FAKES_FAKE_COUNTERS_HOST_H_

#include <linux/perf_event.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "client/marker/counters_host.h"

namespace hftmon {

class FakeCountersHost {
 public:
  struct Opened {
    perf_event_attr attributes;
    int group;
  };

  FakeCountersHost() {
    std::string pattern = "/tmp/hftmon_counters.XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    root_ = pattern;
    host_.context = this;
    host_.root = root_.c_str();
    host_.open_event = [](void* self, const perf_event_attr* attributes, int group) {
      return static_cast<FakeCountersHost*>(self)->Open(*attributes, group);
    };
    host_.enable = [](void* self, int leader) { return static_cast<FakeCountersHost*>(self)->Enable(leader); };
    host_.map_page = [](void* self, int descriptor, const perf_event_mmap_page** page) {
      return static_cast<FakeCountersHost*>(self)->Map(descriptor, page);
    };
    host_.unmap_page = [](void* self, const perf_event_mmap_page* page) {
      if (static_cast<FakeCountersHost*>(self)->mapped_.erase(page) == 0) std::abort();
    };
    host_.close_event = [](void* self, int descriptor) {
      if (static_cast<FakeCountersHost*>(self)->open_.erase(descriptor) == 0) std::abort();
    };
    host_.allowed_cpus = [](void* self, cpu_set_t* cpus) {
      *cpus = static_cast<FakeCountersHost*>(self)->allowed;
      return 0;
    };
    CPU_ZERO(&allowed);
    CPU_SET(0, &allowed);
  }
  ~FakeCountersHost() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  FakeCountersHost(const FakeCountersHost&) = delete;
  FakeCountersHost& operator=(const FakeCountersHost&) = delete;

  const hftmon_counters_host* get() const { return &host_; }
  void WriteFile(const std::string& path, const std::string& text) const {
    const std::filesystem::path whole = root_ + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text << "\n";
  }
  size_t open_count() const { return open_.size(); }
  size_t mapped_count() const { return mapped_.size(); }
  // Of all events that were opened in time, in that order.
  const std::vector<Opened>& opened() const { return opened_; }
  perf_event_mmap_page& page(size_t i) { return pages_.at(i); }

  // 0, or the errno of opening it.
  std::function<int(const perf_event_attr&, int group)> open_error = [](const perf_event_attr&, int) { return 0; };
  int map_error = 0;
  int enable_error = 0;
  uint64_t capabilities = HFTMON_COUNTER_PAGE_READABLE;
  uint32_t index = 1;
  cpu_set_t allowed;

 private:
  static constexpr int kFirst = 1000;

  int Open(const perf_event_attr& attributes, int group) {
    if (const int error = open_error(attributes, group); error != 0) return -error;
    if (group != -1 && open_.count(group) == 0) std::abort();
    opened_.push_back({attributes, group});
    pages_.emplace_back();
    const int descriptor = kFirst + static_cast<int>(opened_.size()) - 1;
    open_.insert(descriptor);
    return descriptor;
  }
  int Map(int descriptor, const perf_event_mmap_page** page) {
    if (open_.count(descriptor) == 0) std::abort();
    if (map_error != 0) return map_error;
    *page = &pages_.at(static_cast<size_t>(descriptor - kFirst));
    mapped_.insert(*page);
    return 0;
  }
  int Enable(int leader) {
    if (open_.count(leader) == 0) std::abort();
    if (enable_error != 0) return enable_error;
    for (const int descriptor : open_) {
      perf_event_mmap_page& page = pages_.at(static_cast<size_t>(descriptor - kFirst));
      page.capabilities = capabilities;
      page.index = index;
      page.pmc_width = 48;
    }
    return 0;
  }

  std::string root_;
  hftmon_counters_host host_ = {};
  std::vector<Opened> opened_;
  std::deque<perf_event_mmap_page> pages_;  // which stay where they are
  std::set<int> open_;
  std::set<const perf_event_mmap_page*> mapped_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_FAKE_COUNTERS_HOST_H_
