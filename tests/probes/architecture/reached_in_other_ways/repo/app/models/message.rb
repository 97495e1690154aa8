class Message
  include ActiveModel::Model
  include Enumerable

  attr_accessor :content

  def to_partial_path = "messages/message"

  def attribute_names_for_serialization = [ "content" ]

  def reversed_words = content.split.reverse

  def role = "user"

  def body=(text)
    self.content = text
  end

  def each(&) = content.chars.each(&)
end
