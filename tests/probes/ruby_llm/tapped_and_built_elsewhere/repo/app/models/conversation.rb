class Conversation
  attr_reader :turns

  def self.find(id) = new(Rails.cache.read("conversation:#{id}"))

  def to_llm
    RubyLLM.chat(provider: :openrouter).tap do |chat|
      chat.with_instructions("Be brief.")
      turns.last(20).each { chat.add_message(role: it.role, content: it.content) }
    end
  end

  def initialize(turns) = @turns = turns
end
