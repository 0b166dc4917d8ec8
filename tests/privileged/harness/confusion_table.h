// ConfusionTable: what stalls were made, and what the daemon said they were. One thread.
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_CONFUSION_TABLE_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_CONFUSION_TABLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace hftmon::testing {

// A stall that a workload made: what it is called, and how long its maker knows that it was.
struct InjectedStall {
  std::string cause;
  int64_t duration_ns = 0;
};

// What the daemon said of it: the largest cause, and the time of the cause that it was. Empty and 0: nothing.
struct NamedStall {
  std::string cause;
  int64_t duration_ns = 0;
};

class ConfusionTable {
 public:
  void Add(const InjectedStall& made, const NamedStall& said);

  // A row for each cause: how many, as what they were named, how many as long as they were (5 % or 2 us, whichever is more).
  std::string Text() const;
  int count() const { return count_; }
  int named_right_count() const { return right_; }
  int close_count() const { return close_; }
  // Of all injected time, what no cause of the right name has, in thousandths.
  int64_t UnexplainedPermille() const;

 private:
  struct Row {
    int count = 0;
    int close = 0;
    int64_t injected_ns = 0;
    int64_t told_ns = 0;  // at most what was injected
    std::map<std::string, int> named;
    std::vector<int64_t> permille;  // told of injected
  };

  std::map<std::string, Row> rows_;
  int count_ = 0;
  int right_ = 0;
  int close_ = 0;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_CONFUSION_TABLE_H_
