#include "common/memory_access/sharing_verdict.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace hftmon {
namespace {

WriterSet Writers(std::initializer_list<uint32_t> tids) {
  WriterSet writers;
  for (const uint32_t tid : tids) writers.Add(tid);
  return writers;
}

TEST(WriterSetTest, ItKnowsWhetherAnotherWroteHoweverManyThereWere) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 500; ++round) {
    WriterSet first;
    WriterSet second;
    std::set<uint32_t> all;
    for (uint64_t i = random() % 4; i > 0; --i) {
      const auto tid = static_cast<uint32_t>(random() % 3);
      (random() % 2 == 0 ? first : second).Add(tid);
      all.insert(tid);
    }
    WriterSet backward = second;
    backward.Add(first);
    first.Add(second);
    EXPECT_EQ(first, backward);
    EXPECT_EQ(first.empty(), all.empty());
    EXPECT_EQ(first.several(), all.size() > 1);
    for (uint32_t tid = 0; tid < 4; ++tid) EXPECT_EQ(first.HasOtherThan(tid), all.size() > all.count(tid));
  }
}

TEST(SharingVerdictTest, WhoWroteWhereDecides) {
  EXPECT_EQ(JudgeAccess(1, Writers({2}), Writers({2})), AccessSharing::kTrue);
  EXPECT_EQ(JudgeAccess(1, Writers({1, 2}), Writers({1, 2})), AccessSharing::kTrue);
  EXPECT_EQ(JudgeAccess(1, Writers({}), Writers({2})), AccessSharing::kFalse);
  EXPECT_EQ(JudgeAccess(1, Writers({1}), Writers({1, 2})), AccessSharing::kFalse);
  EXPECT_EQ(JudgeAccess(1, Writers({1}), Writers({1})), AccessSharing::kNoWriter);
  EXPECT_EQ(JudgeAccess(1, Writers({}), Writers({})), AccessSharing::kNoWriter);
}

TEST(SharingVerdictTest, TheLinesVerdictIsWhatItsAccessesSay) {
  const std::vector<OffsetContention> offsets{{.offset = 0, .contended = 10, .writers = Writers({1})},
                                              {.offset = 8, .contended = 5, .writers = Writers({})}};
  const std::vector<ThreadContention> both{{0, 2, 10}, {8, 2, 5}};
  EXPECT_EQ(JudgeSharing(15, offsets, both),
            (SharingSplit{.verdict = SharingVerdict::kBoth, .false_contended = 5, .true_contended = 10, .no_writer_contended = 0}));
  const std::vector<ThreadContention> own{{0, 1, 10}, {8, 1, 5}};
  EXPECT_EQ(JudgeSharing(15, offsets, own), (SharingSplit{.verdict = SharingVerdict::kWriterNotSeen, .no_writer_contended = 15}));
  const std::vector<ThreadContention> only_false{{0, 1, 10}, {8, 2, 5}};
  EXPECT_EQ(JudgeSharing(15, offsets, only_false),
            (SharingSplit{.verdict = SharingVerdict::kFalse, .false_contended = 5, .no_writer_contended = 10}));
}

TEST(SharingVerdictTest, WhereSeveralWroteTheThreadNeedNotBeKnown) {
  const std::vector<OffsetContention> offsets{{.offset = 0, .contended = 10, .writers = Writers({1, 2})},
                                              {.offset = 8, .contended = 5, .writers = Writers({})},
                                              {.offset = 16, .contended = 3, .writers = Writers({1})}};
  const std::vector<ThreadContention> kept{{0, 3, 1}, {16, 1, 1}};
  EXPECT_EQ(JudgeSharing(20, offsets, kept),
            (SharingSplit{.verdict = SharingVerdict::kBoth, .false_contended = 6, .true_contended = 10, .no_writer_contended = 4}));
}

TEST(SharingVerdictTest, NamesAreStable) {
  EXPECT_EQ(SharingVerdictName(SharingVerdict::kWriterNotSeen), "writer_not_seen");
  EXPECT_EQ(SharingVerdictName(SharingVerdict::kFalse), "false");
  EXPECT_EQ(SharingVerdictName(SharingVerdict::kTrue), "true");
  EXPECT_EQ(SharingVerdictName(SharingVerdict::kBoth), "both");
}

}  // namespace
}  // namespace hftmon
