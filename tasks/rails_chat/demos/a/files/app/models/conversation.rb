# What was said so far, oldest first: whole exchanges only, and no more than the newest MAX_EXCHANGES of them.
class Conversation
  MAX_EXCHANGES = 20

  attr_reader :messages

  def initialize(messages = [])
    @messages = messages.last(MAX_EXCHANGES * 2).freeze
  end

  def add(question, answer) = Conversation.new([*messages, question, answer])

  delegate :empty?, to: :messages
end
