// The table of threads or targets, and the list of spikes: each as many columns as fit the width. Pure functions.
#ifndef HFTMON_CLIENT_TOP_TOP_TABLE_H_
#define HFTMON_CLIENT_TOP_TOP_TABLE_H_

#include <string>
#include <vector>

#include "client/top/top_data.h"
#include "client/top/top_page.h"

namespace hftmon {

struct TopColumn;

// The columns that fit a table; what matters least is left out first.
class TopTable {
 public:
  TopTable(bool threads, int width, bool utf8);
  std::string Titles() const;
  std::string Line(const TopRow& row) const;

 private:
  const bool utf8_;
  std::vector<const TopColumn*> columns_;
};

// The largest cause of a spike in a few words: "98 % ksoftirqd/0[14]"; "unexplained" where that is more than any of them.
std::string LargestCause(const v1::Spike& spike);

// A line of the list of spikes; `time_of_day` is when it began. At most `width` columns, as the table's lines.
TopLine SpikeLine(const v1::Spike& spike, const std::string& time_of_day, int width, bool utf8);
std::string SpikeTitles(int width);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_TOP_TOP_TABLE_H_
