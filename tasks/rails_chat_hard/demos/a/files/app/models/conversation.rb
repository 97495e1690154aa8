# What was said so far, oldest first, in whole exchanges.
class Conversation
  attr_reader :messages

  def initialize(messages = [])
    @messages = messages.dup.freeze
  end

  def add(question, answer) = Conversation.new([*messages, question, answer])

  delegate :empty?, to: :messages
end
