#include "daemon/service/poll_thread.h"

#include <algorithm>
#include <chrono>

namespace hftmon {

PollThread::PollThread(size_t pollee_limit) : pollee_limit_(pollee_limit) {
  thread_ = std::thread([this] { Run(); });
}

PollThread::~PollThread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

int64_t PollThread::NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool PollThread::Add(Pollee* pollee) {
  {
    std::lock_guard lock(mutex_);
    if (due_of_.size() >= pollee_limit_) return false;
    due_of_[pollee] = 0;
    by_due_.insert({0, pollee});
  }
  changed_.notify_one();
  return true;
}

void PollThread::Remove(Pollee* pollee) {
  std::unique_lock lock(mutex_);
  Forget(pollee);
  idle_.wait(lock, [this, pollee] { return running_ != pollee; });
}

void PollThread::Wake(Pollee* pollee) {
  {
    std::lock_guard lock(mutex_);
    if (!due_of_.contains(pollee)) return;
    SetDue(pollee, 0);
  }
  changed_.notify_one();
}

void PollThread::SetDue(Pollee* pollee, int64_t due_ns) {
  int64_t& known_ns = due_of_.at(pollee);
  by_due_.erase({known_ns, pollee});
  known_ns = due_ns;
  by_due_.insert({due_ns, pollee});
}

void PollThread::Forget(Pollee* pollee) {
  const auto found = due_of_.find(pollee);
  if (found == due_of_.end()) return;
  by_due_.erase({found->second, pollee});
  due_of_.erase(found);
}

void PollThread::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (by_due_.empty() || by_due_.begin()->first == kPollIdle) {
      changed_.wait(lock);
      continue;
    }
    const auto [next_ns, pollee] = *by_due_.begin();
    const int64_t now_ns = NowNs();
    if (next_ns > now_ns) {
      changed_.wait_until(lock, std::chrono::steady_clock::time_point(std::chrono::nanoseconds(next_ns)));
      continue;
    }
    // A Wake during the poll sets this back to 0, so that it is not lost.
    SetDue(pollee, kPollIdle);
    running_ = pollee;
    lock.unlock();
    const int64_t due_ns = pollee->Poll(now_ns);
    lock.lock();
    running_ = nullptr;
    // `pollee` may be gone now if it was removed meanwhile: only its address is compared.
    const auto known = due_of_.find(pollee);
    if (known != due_of_.end() && due_ns == kPollDone) {
      Forget(pollee);
    } else if (known != due_of_.end()) {
      SetDue(pollee, std::min(known->second, due_ns));
    }
    idle_.notify_all();
  }
}

}  // namespace hftmon
