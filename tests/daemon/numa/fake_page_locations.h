// FakePageLocations: pages that lie where a test put them, and the calls that were made. Fails on calls that the kernel is never to get.
#ifndef HFTMON_TESTS_DAEMON_NUMA_FAKE_PAGE_LOCATIONS_H_
#define HFTMON_TESTS_DAEMON_NUMA_FAKE_PAGE_LOCATIONS_H_

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "daemon/numa/page_locations.h"

namespace hftmon {

class FakePageLocations final : public PageLocations {
 public:
  static constexpr uint64_t kPageBytes = 4096;

  explicit FakePageLocations(pid_t pid) : pid_(pid) {}
  // All pages of [start, end) lie on that node, or are not there (< 0).
  void Put(uint64_t start, uint64_t end, int node) {
    for (uint64_t page = start; page < end; page += kPageBytes) nodes_[page] = node;
  }
  int Locate(pid_t pid, std::span<const uint64_t> addresses, std::span<int> nodes) override {
    EXPECT_EQ(pid, pid_);
    EXPECT_EQ(addresses.size(), nodes.size());
    EXPECT_GT(addresses.size(), 0u);
    EXPECT_LE(addresses.size(), kLocatedPagesMax);
    sizes.push_back(addresses.size());
    if (on_call) {
      if (const int error = on_call(sizes.size()); error != 0) return error;
    }
    for (size_t i = 0; i < addresses.size(); ++i) {
      EXPECT_EQ(addresses[i] % kPageBytes, 0u);
      repeat_count += asked.insert(addresses[i]).second ? 0 : 1;
      const auto found = nodes_.find(addresses[i]);
      nodes[i] = found == nodes_.end() ? -EFAULT : found->second;
    }
    return 0;
  }

  std::function<int(size_t call)> on_call;  // the first is 1; 0, or what the call ends with
  std::vector<size_t> sizes;                // of each call
  std::set<uint64_t> asked;
  size_t repeat_count = 0;  // pages that had been asked for before

 private:
  const pid_t pid_;
  std::map<uint64_t, int> nodes_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_DAEMON_NUMA_FAKE_PAGE_LOCATIONS_H_
