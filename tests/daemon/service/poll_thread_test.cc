#include "daemon/service/poll_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>

namespace hftmon {
namespace {

constexpr int64_t kHourNs = 3'600'000'000'000;

// Answers a fixed list of due times, relative to now, then kPollDone; announces each poll.
class Scripted : public Pollee {
 public:
  explicit Scripted(std::vector<int64_t> answers) : answers_(std::move(answers)) {}

  int64_t Poll(int64_t now_ns) override {
    std::lock_guard lock(mutex_);
    ++polls_;
    changed_.notify_all();
    if (next_ == answers_.size()) return kPollDone;
    const int64_t answer = answers_[next_++];
    return answer == kPollIdle ? kPollIdle : now_ns + answer;
  }
  void AwaitPolls(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return polls_ >= count; });
  }
  int polls() {
    std::lock_guard lock(mutex_);
    return polls_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::vector<int64_t> answers_;
  size_t next_ = 0;
  int polls_ = 0;
};

TEST(PollThreadTest, ANewPolleeIsPolledAtOnceAndWhenItSays) {
  PollThread thread(4);
  Scripted pollee({0, 1'000, 100'000});
  ASSERT_TRUE(thread.Add(&pollee));
  pollee.AwaitPolls(4);
  thread.Remove(&pollee);
  EXPECT_EQ(pollee.polls(), 4);
}

TEST(PollThreadTest, AnIdlePolleeIsPolledOnlyWhenWoken) {
  PollThread thread(4);
  Scripted idle({kPollIdle, kPollIdle});
  ASSERT_TRUE(thread.Add(&idle));
  idle.AwaitPolls(1);
  // Another that runs many rounds meanwhile shows that the thread did not come back to the first.
  Scripted busy({0, 0, 0, 0, 0, 0});
  ASSERT_TRUE(thread.Add(&busy));
  busy.AwaitPolls(7);
  EXPECT_EQ(idle.polls(), 1);
  thread.Wake(&idle);
  idle.AwaitPolls(2);
  thread.Remove(&idle);
  thread.Remove(&busy);
}

TEST(PollThreadTest, AFarDueTimeDoesNotDelayAWake) {
  PollThread thread(4);
  Scripted pollee({kHourNs, kHourNs});
  ASSERT_TRUE(thread.Add(&pollee));
  pollee.AwaitPolls(1);
  thread.Wake(&pollee);
  pollee.AwaitPolls(2);
  thread.Remove(&pollee);
}

TEST(PollThreadTest, BeyondTheBoundPolleesAreRefused) {
  PollThread thread(1);
  Scripted first({kHourNs});
  Scripted second({});
  EXPECT_TRUE(thread.Add(&first));
  EXPECT_FALSE(thread.Add(&second));
  thread.Remove(&first);
  EXPECT_TRUE(thread.Add(&second));
  second.AwaitPolls(1);
  thread.Remove(&second);
}

TEST(PollThreadTest, APolleeThatIsDoneGivesItsPlaceBack) {
  PollThread thread(1);
  Scripted done({});
  ASSERT_TRUE(thread.Add(&done));
  done.AwaitPolls(1);
  thread.Remove(&done);  // waits for the end of its poll
  Scripted next({});
  EXPECT_TRUE(thread.Add(&next));
  next.AwaitPolls(1);
  thread.Remove(&next);
}

// Stays in Poll until it is let go.
class Held : public Pollee {
 public:
  int64_t Poll(int64_t) override {
    entered.set_value();
    release.get_future().wait();
    left.store(true, std::memory_order_relaxed);  // Remove's lock orders it
    return kPollIdle;
  }
  std::promise<void> entered;
  std::promise<void> release;
  std::atomic<bool> left{false};
};

TEST(PollThreadTest, RemoveReturnsOnlyWhenThePolleeIsNotRunning) {
  PollThread thread(1);
  Held held;
  ASSERT_TRUE(thread.Add(&held));
  held.entered.get_future().wait();
  std::future<bool> removed = std::async(std::launch::async, [&] {
    thread.Remove(&held);
    return held.left.load(std::memory_order_relaxed);
  });
  held.release.set_value();
  EXPECT_TRUE(removed.get());
}

TEST(PollThreadTest, PolleesComeAndGoFromManyThreads) {
  PollThread thread(8);
  std::vector<std::future<void>> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.push_back(std::async(std::launch::async, [&thread] {
      for (int round = 0; round < 500; ++round) {
        auto pollee = std::make_unique<Scripted>(std::vector<int64_t>{0, kHourNs});
        ASSERT_TRUE(thread.Add(pollee.get()));
        pollee->AwaitPolls(1);
        thread.Wake(pollee.get());
        thread.Remove(pollee.get());
      }
    }));
  }
  for (auto& worker : workers) worker.get();
}

}  // namespace
}  // namespace hftmon
