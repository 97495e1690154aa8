class ChatHistory
  def self.instance = @instance ||= new(Redis.new(url: ENV.fetch("REDIS_URL")))

  def initialize(redis) = @redis = redis

  def add(visitor, message)
    @redis.multi do |tx|
      tx.rpush("chat:#{visitor}", message.to_json)
      tx.ltrim("chat:#{visitor}", -60, -1)
    end
  end

  def all(visitor) = @redis.lrange("chat:#{visitor}", 0, -1)
end
