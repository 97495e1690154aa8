class ConversationStore
  def initialize(redis = Redis.new(url: ENV["REDIS_URL"]))
    @redis = redis
  end

  def add(id, turn)
    @redis.rpush("conversation:#{id}", turn.to_json)
    @redis.ltrim("conversation:#{id}", -40, -1)
  end
end
