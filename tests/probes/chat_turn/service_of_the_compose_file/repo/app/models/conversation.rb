class Conversation
  attr_reader :turns

  def initialize(session)
    @turns = []
    @redis = Redis.new(url: ENV.fetch("REDIS_URL", "redis://127.0.0.1:6379/0"))
  end

  def ask(text)
    @redis.rpush("turns", text)
    [{ "role" => "assistant", "content" => RubyLLM.chat(provider: :openrouter).ask(text).content }]
  end
end
