#include "daemon/service/spike_notifier.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <vector>

namespace hftmon {
namespace {

class Recorder : public SpikeListener {
 public:
  void OnSpike(uint64_t index, const Spike& spike) override {
    std::lock_guard lock(mutex_);
    ids.push_back(spike.id);
    indexes.push_back(index);
  }
  void OnOverwritten(uint64_t count) override {
    std::lock_guard lock(mutex_);
    overwritten += count;
  }
  void OnRoundEnd() override { changed_.notify_all(); }
  // Heard of that many, read or overwritten.
  void Await(uint64_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ids.size() + overwritten >= count; });
  }

  std::vector<uint64_t> ids;
  std::vector<uint64_t> indexes;
  uint64_t overwritten = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

Spike WithId(uint64_t id) {
  Spike spike;
  spike.id = id;
  return spike;
}

TEST(SpikeNotifierTest, AListenerHearsOnlyOfWhatCameAfterIt) {
  SeqRing<Spike> ring(16);
  ring.Append(WithId(1));
  SpikeNotifier notifier(&ring);
  Recorder recorder;
  notifier.Subscribe(&recorder);
  ring.Append(WithId(2));
  ring.Append(WithId(3));
  recorder.Await(2);
  notifier.Unsubscribe(&recorder);
  EXPECT_EQ(recorder.ids, (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(recorder.indexes, (std::vector<uint64_t>{1, 2}));
}

TEST(SpikeNotifierTest, ASecondListenerDoesNotHearWhatTheFirstIsStillOwed) {
  SeqRing<Spike> ring(1024);
  SpikeNotifier notifier(&ring);
  Recorder first;
  notifier.Subscribe(&first);
  for (uint64_t id = 1; id <= 600; ++id) ring.Append(WithId(id));
  Recorder second;
  notifier.Subscribe(&second);
  ring.Append(WithId(601));
  first.Await(601);
  second.Await(1);
  notifier.Unsubscribe(&first);
  notifier.Unsubscribe(&second);
  EXPECT_EQ(first.ids.size(), 601u);
  EXPECT_EQ(second.ids, std::vector<uint64_t>{601});
}

TEST(SpikeNotifierTest, WhatNobodySubscribedToIsNotCaughtUpLater) {
  SeqRing<Spike> ring(16);
  SpikeNotifier notifier(&ring);
  Recorder first;
  notifier.Subscribe(&first);
  notifier.Unsubscribe(&first);
  ring.Append(WithId(1));
  Recorder second;
  notifier.Subscribe(&second);
  ring.Append(WithId(2));
  second.Await(1);
  notifier.Unsubscribe(&second);
  EXPECT_TRUE(first.ids.empty());
  EXPECT_EQ(second.ids, std::vector<uint64_t>{2});
}

// Holds the notifier inside a round until the ring has been lapped.
class Holding : public Recorder {
 public:
  void OnRoundEnd() override {
    Recorder::OnRoundEnd();
    std::unique_lock lock(hold_mutex_);
    entered_ = true;
    hold_changed_.notify_all();
    hold_changed_.wait(lock, [this] { return released_; });
  }
  void AwaitEntered() {
    std::unique_lock lock(hold_mutex_);
    hold_changed_.wait(lock, [this] { return entered_; });
  }
  void LetGo() {
    std::lock_guard lock(hold_mutex_);
    released_ = true;
    hold_changed_.notify_all();
  }

 private:
  std::mutex hold_mutex_;
  std::condition_variable hold_changed_;
  bool entered_ = false;
  bool released_ = false;
};

TEST(SpikeNotifierTest, SpikesOverwrittenBeforeTheyWereReadAreCounted) {
  SeqRing<Spike> ring(16);
  SpikeNotifier notifier(&ring);
  Holding listener;
  notifier.Subscribe(&listener);
  ring.Append(WithId(1));
  listener.AwaitEntered();
  for (uint64_t id = 2; id <= 101; ++id) ring.Append(WithId(id));
  listener.LetGo();
  listener.Await(101);
  notifier.Unsubscribe(&listener);
  EXPECT_EQ(listener.ids.size() + listener.overwritten, 101u);
  EXPECT_EQ(listener.overwritten, 84u);
  EXPECT_EQ(listener.ids.back(), 101u);
}

}  // namespace
}  // namespace hftmon
