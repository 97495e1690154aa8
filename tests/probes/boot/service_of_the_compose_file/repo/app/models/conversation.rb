class Conversation
  def initialize(session)
    @redis = Redis.new(url: ENV.fetch("REDIS_URL", "redis://127.0.0.1:6379/0"))
  end

  def turns
    @redis.lrange("turns", 0, -1).map { |line| JSON.parse(line) }
  end
end
