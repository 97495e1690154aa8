require "test_helper"

class CounterTest < ActiveSupport::TestCase
  test "counts" do
    redis = Redis.new(url: ENV.fetch("REDIS_URL", "redis://127.0.0.1:6379/0"))
    assert_equal 1, redis.incr("turns-#{SecureRandom.hex}")
  end
end
