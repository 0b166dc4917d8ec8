#include "daemon/service/evidence/evidence_book.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

class EvidenceBookTest : public testing::Test {
 protected:
  EvidenceSnapshot Read() {
    EvidenceSnapshot snapshot;
    snapshot.mono_ns = now_ns_;
    snapshot.threads[{.tid = 2, .tgid = 1}].faults.emplace();
    return snapshot;
  }
  void TakeEachSecondUntil(int64_t seconds, EvidenceBook* book) {
    for (; now_ns_ <= seconds * kSecond; now_ns_ += kSecond) book->Take();
  }
  int64_t now_ns_ = kSecond;
};

TEST_F(EvidenceBookTest, WithoutASnapshotThereIsNoPair) {
  const EvidenceBook book([this] { return Read(); });
  EXPECT_EQ(book.Around(0).before, nullptr);
}

TEST_F(EvidenceBookTest, APairBeginsWithinTheWindowAndEndsNow) {
  EvidenceBook book([this] { return Read(); });
  TakeEachSecondUntil(8, &book);
  const SnapshotPair pair = book.Around(5 * kSecond + 1);
  ASSERT_NE(pair.before, nullptr);
  EXPECT_EQ(pair.before->mono_ns, 6 * kSecond);
  EXPECT_EQ(pair.after->mono_ns, now_ns_);
}

TEST_F(EvidenceBookTest, AWindowThatBeginsAfterTheNewestHasNoPair) {
  EvidenceBook book([this] { return Read(); });
  TakeEachSecondUntil(8, &book);
  EXPECT_EQ(book.Around(8 * kSecond + 1).before, nullptr);
}

TEST_F(EvidenceBookTest, AnHourTakesAsMuchAsAQuarterOfOne) {
  EvidenceBook book([this] { return Read(); });
  TakeEachSecondUntil(1'400, &book);
  const size_t count = book.count();
  TakeEachSecondUntil(3'600, &book);
  EXPECT_LE(book.count(), count + 2);
  EXPECT_LE(book.count(), 30u);
  // Each age has one that a window of it can begin with, to a factor of two.
  for (const int64_t age_s : {2, 10, 30, 100, 300, 600}) {
    const SnapshotPair pair = book.Around(now_ns_ - age_s * kSecond);
    ASSERT_NE(pair.before, nullptr) << age_s;
    EXPECT_GE(2 * (now_ns_ - pair.before->mono_ns) + 2 * kSecond, age_s * kSecond) << age_s;
  }
}

TEST_F(EvidenceBookTest, BeyondItsBytesTheyAreThinnedOutAndTheOldestStays) {
  EvidenceBook book([this] { return Read(); }, 8 * Read().bytes());
  TakeEachSecondUntil(120, &book);
  EXPECT_EQ(book.count(), 8u);
  EXPECT_EQ(book.Around(0).before->mono_ns, kSecond);
  for (; now_ns_ <= 3'000 * kSecond; now_ns_ += kSecond) {
    book.Take();
    EXPECT_LE(book.count(), 8u);
    const SnapshotPair pair = book.Around(now_ns_ - 60 * kSecond);
    ASSERT_NE(pair.before, nullptr);
    EXPECT_GE(now_ns_ - pair.before->mono_ns, 12 * kSecond) << now_ns_;
  }
}

TEST_F(EvidenceBookTest, WhereFourTakeTooMuchTheOldestGoAndThePairSaysSo) {
  EvidenceBook book([this] { return Read(); }, 5 * Read().bytes() / 2);
  for (; now_ns_ <= 60 * kSecond; now_ns_ += kSecond) {
    book.Take();
    EXPECT_LE(book.bytes(), 5 * Read().bytes() / 2) << now_ns_;
  }
  EXPECT_EQ(book.count(), 2u);
  const SnapshotPair pair = book.Around(0);
  EXPECT_EQ(pair.before->mono_ns, 59 * kSecond) << "its true beginning";
  EXPECT_TRUE(pair.cut);
  EXPECT_TRUE(book.Around(58 * kSecond).cut);
  EXPECT_FALSE(book.Around(58 * kSecond + 1).cut) << "it could not have begun with an older one";
}

TEST_F(EvidenceBookTest, TheNewestIsKeptWhateverItTakes) {
  EvidenceBook book([this] { return Read(); }, 1);
  TakeEachSecondUntil(60, &book);
  EXPECT_EQ(book.count(), 1u);
  EXPECT_EQ(book.Around(0).before->mono_ns, 60 * kSecond);
}

TEST_F(EvidenceBookTest, EightThousandThreadsTakeNoMoreThanTheBound) {
  const auto many = [this] {
    EvidenceSnapshot snapshot = Read();
    for (uint32_t tid = 1; tid <= 8'000; ++tid) {
      ThreadSums& sums = snapshot.threads[{.tid = tid, .tgid = 1}];
      sums.faults.emplace();
      sums.interrupts.emplace();
    }
    return snapshot;
  };
  EvidenceBook book(many);
  TakeEachSecondUntil(12, &book);
  EXPECT_LE(book.bytes(), kEvidenceBytesMax);
  EXPECT_NE(book.Around(0).before, nullptr);
}

TEST_F(EvidenceBookTest, WithinItsBytesNothingIsCut) {
  EvidenceBook book([this] { return Read(); });
  TakeEachSecondUntil(1'400, &book);
  EXPECT_FALSE(book.Around(0).cut);
}

}  // namespace
}  // namespace hftmon
