// RankSumTest: whether one sample tends to be larger than another (Mann and Whitney, Wilcoxon), exactly: of all ways to deal the values
// out into two samples of these sizes the share in which the second has at least this sum of ranks. Values that are equal share their mean
// rank, so it holds with ties too, and no distribution is assumed. Pure.
#ifndef HFTMON_CLIENT_CHECK_RANK_SUM_TEST_H_
#define HFTMON_CLIENT_CHECK_RANK_SUM_TEST_H_

#include <cstddef>
#include <vector>

namespace hftmon {

// Both samples together.
inline constexpr size_t kRankSumValuesMax = 80;

// The probability of `second` being as large or larger by chance; 1 where one of them is empty, or both are more than kRankSumValuesMax.
double ChanceThatLarger(const std::vector<double>& first, const std::vector<double>& second);

}  // namespace hftmon

#endif  // HFTMON_CLIENT_CHECK_RANK_SUM_TEST_H_
