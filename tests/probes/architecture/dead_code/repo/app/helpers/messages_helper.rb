module MessagesHelper
  def bubble_class(role)
    role == "user" ? "mine" : "theirs"
  end

  def avatar_for(role)
    role.first.upcase
  end
end
