class Conversation
  def add(turn)
    Rails.cache.write("chat:messages", [*all, turn])
  end

  def all = Rails.cache.read("chat:messages") || []
end
